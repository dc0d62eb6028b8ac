import { useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { TracePage, TraceSummary } from "../api/types";
import type { TraceFilters } from "../urls";
import { useApi } from "./api";
import { keys } from "./keys";
import { useResumed } from "./useResumed";
import { DEFAULT_SORT } from "./useTraces";

export type LiveState = "off" | "connecting" | "open" | "lost";

/** Keeps a list up to date while it is on: known rollouts change in place, new ones come on top. */
export function useLiveTraces(filters: TraceFilters, sort: string, on: boolean): LiveState {
  const api = useApi();
  const client = useQueryClient();
  const refresh = () => void client.invalidateQueries({ queryKey: keys.traces(filters, sort) });
  const listening = useResumed(on, refresh);
  const [state, setState] = useState<LiveState>("connecting");
  const filterKey = JSON.stringify(filters);

  // A subscription outside of React: it lives as long as the list with these filters is shown.
  useEffect(() => {
    if (!listening) return;
    return api.liveTraces(filters, {
      onItems: (items) =>
        client.setQueryData<InfiniteData<TracePage, string>>(keys.traces(filters, sort), (data) =>
          data ? mergeLive(data, items, sort === DEFAULT_SORT) : data,
        ),
      onReset: refresh,
      onState: setState,
    });
    // eslint-disable-next-line react-hooks/exhaustive-deps -- equal filters are equal by value
  }, [api, client, filterKey, sort, listening]);

  return on ? state : "off";
}

/** `data` with `items` in place of their older selves; unknown ones first where the order allows it. */
export function mergeLive(
  data: InfiniteData<TracePage, string>,
  items: TraceSummary[],
  newestFirst: boolean,
): InfiniteData<TracePage, string> {
  const fresh = new Map(items.map((item) => [item.trace_id, item]));
  const pages = data.pages.map((page) => ({
    ...page,
    items: page.items.map((item) => {
      const update = fresh.get(item.trace_id);
      fresh.delete(item.trace_id);
      return update ?? item;
    }),
  }));
  const [first] = pages;
  if (!first || fresh.size === 0) return { ...data, pages };
  const total = first.total === null ? null : first.total + fresh.size;
  const added = newestFirst ? sortedByStart([...fresh.values()]) : [];
  pages[0] = { ...first, total, items: insertByStart(added, first.items) };
  return { ...data, pages };
}

function sortedByStart(items: TraceSummary[]): TraceSummary[] {
  return items.sort((a, b) => b.started_at.localeCompare(a.started_at));
}

function insertByStart(added: TraceSummary[], items: TraceSummary[]): TraceSummary[] {
  const newest = items[0]?.started_at ?? "";
  if (added.every((item) => item.started_at >= newest)) return [...added, ...items];
  return sortedByStart([...added, ...items]);
}
