import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useRef } from "react";
import type { TraceSummary } from "../../api/types";
import { gridTemplate, type ColumnId, type PlacedColumn } from "../../lib/listColumns";
import { HeaderRow } from "./HeaderRow";
import { TraceRow } from "./TraceRow";
import classes from "./TraceTable.module.css";
import { useRowWalk } from "./useRowWalk";
import { useStayOnArrival } from "./useStayOnArrival";

const ROW_HEIGHT = 32;
const HEADER_HEIGHT = 26;
const rowHeight = () => ROW_HEIGHT;
const MORE_BEFORE_END = 40;

interface TraceTableProps {
  traces: TraceSummary[];
  /** Changes when the list is another one. */
  listKey: string;
  columns: PlacedColumn[];
  /** The width that the user gave the name. */
  nameWidth: number | undefined;
  /** True where nothing may scroll sideways. */
  fit: boolean;
  sort: string;
  open: string | null;
  stale: boolean;
  hasMore: boolean;
  onMore: () => void;
  onSort: (sort: string) => void;
  onOpen: (traceId: string) => void;
  onResize: (id: ColumnId, width: number) => void;
}

/** Rows of 32 pixels, of which only those in view exist. */
export function TraceTable(props: TraceTableProps) {
  const { traces, columns, open, onOpen, hasMore, onMore, listKey } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const template = gridTemplate(columns, props.fit ? undefined : props.nameWidth);
  const getItemKey = useCallback((row: number) => traces[row]?.trace_id ?? "more", [traces]);
  const virtualizer = useVirtualizer({
    count: traces.length + (hasMore ? 1 : 0),
    getScrollElement: () => scroller.current,
    estimateSize: rowHeight,
    getItemKey,
    overscan: 16,
    // The titles stay on top, which leaves that much less for rows.
    scrollPaddingEnd: HEADER_HEIGHT,
  });
  const items = virtualizer.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  const { arrived, seen } = useStayOnArrival(scroller, traces, listKey, ROW_HEIGHT);
  const opened = open === null ? -1 : traces.findIndex((trace) => trace.trace_id === open);

  // The next page is fetched before its rows come into view.
  useEffect(() => {
    if (hasMore && lastShown >= traces.length - MORE_BEFORE_END) onMore();
  }, [hasMore, lastShown, traces.length, onMore]);

  // The row of the open rollout stays in view while one walks the list.
  useEffect(() => {
    if (open !== null && opened >= 0) virtualizer.scrollToIndex(opened, { align: "auto" });
    // eslint-disable-next-line react-hooks/exhaustive-deps -- rows that arrive above must not scroll
  }, [open, opened >= 0, virtualizer]);

  useRowWalk({
    scroller,
    traces,
    open,
    rowHeight: ROW_HEIGHT,
    scrollToRow: (row) => virtualizer.scrollToIndex(row, { align: "auto" }),
    onOpen,
  });
  return (
    <div className={classes.frame} data-stale={props.stale || undefined}>
      {arrived > 0 && (
        <button type="button" className={classes.arrived} onClick={seen}>
          {arrived} new above
        </button>
      )}
      {/* The links in the rows have the focus; arrow keys go from one to the next. */}
      <div
        ref={scroller}
        className={classes.scroller}
        role="table"
        aria-label="rollouts"
        aria-rowcount={traces.length + 1}
        data-fit={props.fit || undefined}
      >
        <HeaderRow
          columns={columns}
          template={template}
          sort={props.sort}
          onSort={props.onSort}
          onResize={props.onResize}
        />
        <div
          role="rowgroup"
          className={classes.rows}
          style={{ height: virtualizer.getTotalSize() }}
        >
          {items.map((item) => {
            const trace = traces[item.index];
            return trace ? (
              <TraceRow
                key={item.key}
                trace={trace}
                row={item.index}
                top={item.start}
                columns={columns}
                template={template}
                open={trace.trace_id === open}
                onOpen={onOpen}
              />
            ) : (
              <div
                key={item.key}
                className={classes.more}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <span />
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
