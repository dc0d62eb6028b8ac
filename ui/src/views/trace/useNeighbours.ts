import { useEffect, useState } from "react";
import type { TraceSummary } from "../../api/types";
import { useTraces } from "../../queries/useTraces";
import { lastList } from "../../state/lastList";
import { parseFilters } from "../../urls";

export interface Neighbours {
  previous: string | null;
  next: string | null;
}

export function neighboursIn(traces: TraceSummary[], traceId: string): Neighbours {
  const place = traces.findIndex((trace) => trace.trace_id === traceId);
  if (place < 0) return { previous: null, next: null };
  return {
    previous: traces[place - 1]?.trace_id ?? null,
    next: traces[place + 1]?.trace_id ?? null,
  };
}

/** Previous and next rollout of the list one came from. */
export function useNeighbours(traceId: string): Neighbours {
  const [list] = useState(lastList);
  const query = useTraces(parseFilters({ ...list }), list?.sort, list !== null);
  const { data, hasNextPage, isFetching, fetchNextPage } = query;
  const traces = list === null ? [] : (data?.pages.flatMap((page) => page.items) ?? []);
  const found = neighboursIn(traces, traceId);
  const atEnd = found.next === null && traces.at(-1)?.trace_id === traceId;
  // The end of what is loaded is not the end of the list.
  useEffect(() => {
    if (atEnd && hasNextPage && !isFetching) void fetchNextPage();
  }, [atEnd, hasNextPage, isFetching, fetchNextPage]);
  return found;
}
