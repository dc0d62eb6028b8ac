import { useElementSize } from "@mantine/hooks";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import * as v from "valibot";
import { ErrorNotice } from "../../components/ErrorNotice";
import { ErrorStrip } from "../../components/ErrorStrip";
import { KeyHelp } from "../../components/KeyHelp";
import { Skeleton } from "../../components/Skeleton";
import { useKeys } from "../../components/useKeys";
import { useKeptData } from "../../queries/useKeptData";
import { useLiveTraces } from "../../queries/useLiveTraces";
import { DEFAULT_SORT, useTraces } from "../../queries/useTraces";
import { rememberList } from "../../state/lastList";
import { useStored } from "../../state/stored";
import { hasFilters, parseFilters, type ListSearch } from "../../urls";
import { ClearFilters } from "./ClearFilters";
import { FilterBar } from "./FilterBar";
import { LIST_KEYS } from "./listKeys";
import { ListToolbar } from "./ListToolbar";
import { NoTraces } from "./NoTraces";
import { TraceTable } from "./TraceTable";
import { useColumns } from "./useColumns";
import classes from "./TracesView.module.css";

const loadBeside = () => import("./OpenBeside");
const OpenBeside = lazy(() => loadBeside().then((module) => ({ default: module.OpenBeside })));

const liveSchema = v.boolean();
const SPLIT_FROM = 900;

export interface TracesViewProps {
  search: ListSearch;
  onSearch: (search: ListSearch, replace: boolean) => void;
}

/** The list of rollouts, and beside it the one that is open. */
export function TracesView({ search, onSearch }: TracesViewProps) {
  const filters = useMemo(() => parseFilters({ ...search }), [search]);
  const sort = search.sort ?? DEFAULT_SORT;
  const [live, setLive] = useStored("live", liveSchema, true);
  const [help, setHelp] = useState(false);
  const { ref, width } = useElementSize();
  const { ref: listRef, width: room } = useElementSize();
  const searchBox = useRef<HTMLInputElement>(null);
  const split = search.open !== undefined;
  const narrow = width < SPLIT_FROM;
  const columns = useColumns(room, split || narrow);
  const query = useTraces(filters, sort);
  const data = useKeptData(query);
  const stale = query.isPlaceholderData || data !== query.data;
  const liveState = useLiveTraces(filters, sort, live && query.data !== undefined);
  const traces = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  const total = data?.pages[0]?.total ?? null;
  const clearFilters = () => onSearch({}, false);

  // An open rollout has keys of its own.
  useKeys({
    "/": () => !split && searchBox.current?.focus(),
    "?": () => !split && setHelp(true),
  });

  // Opening a rollout shall not wait for code.
  useEffect(() => void loadBeside(), []);

  // The trace page walks the list one came from.
  useEffect(
    () => rememberList({ ...filters, ...(search.sort ? { sort: search.sort } : {}) }),
    [filters, search.sort],
  );

  return (
    <div className={classes.view} ref={ref}>
      {/* Where there is no room for both, the list stays beneath the rollout, as it was scrolled. */}
      <section
        ref={listRef}
        className={classes.list}
        data-split={split || undefined}
        data-covered={(split && width > 0 && narrow) || undefined}
        aria-label="rollouts"
      >
        <FilterBar
          searchBox={searchBox}
          filters={filters}
          onChange={(next) => onSearch({ ...kept(search), ...next }, false)}
        >
          <ListToolbar
            total={data === undefined ? null : (total ?? traces.length)}
            stale={stale}
            live={live}
            liveState={liveState}
            onLive={setLive}
            columns={columns}
            onHelp={() => setHelp(true)}
          />
        </FilterBar>
        {query.error && data && (
          <ErrorStrip error={query.error} onRetry={() => void query.refetch()} />
        )}
        {traces.length > 0 ? (
          <TraceTable
            traces={traces}
            listKey={JSON.stringify([filters, sort])}
            columns={columns.placed}
            nameWidth={columns.nameWidth}
            onResize={columns.resize}
            fit={columns.compact}
            sort={sort}
            open={search.open ?? null}
            stale={stale}
            hasMore={query.hasNextPage}
            onMore={() => {
              if (!query.isFetchingNextPage && !query.isFetchNextPageError)
                void query.fetchNextPage();
            }}
            onSort={(next) =>
              onSearch({ ...search, sort: next === DEFAULT_SORT ? undefined : next }, true)
            }
            onOpen={(open) =>
              onSearch({ ...search, open, item: undefined, find: undefined }, split)
            }
          />
        ) : data ? (
          <NoTraces filters={filters} onClear={clearFilters} />
        ) : query.error ? (
          <ErrorNotice
            error={query.error}
            what="the rollouts"
            onRetry={() => void query.refetch()}
            actions={
              (hasFilters(filters) || search.sort) && <ClearFilters onClear={clearFilters} />
            }
          />
        ) : (
          <Skeleton rows={24} height={32} label="loading rollouts" />
        )}
      </section>
      {search.open !== undefined && (
        <Suspense fallback={<Skeleton rows={14} height={56} label="loading the rollout" />}>
          <OpenBeside traceId={search.open} traces={traces} search={search} onSearch={onSearch} />
        </Suspense>
      )}
      <KeyHelp keys={LIST_KEYS} opened={help} onClose={() => setHelp(false)} />
    </div>
  );
}

/** What of the address does not depend on the filters. */
function kept(search: ListSearch): ListSearch {
  const { sort, open, item } = search;
  return { sort, open, item };
}
