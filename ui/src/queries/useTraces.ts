import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import type { TraceFilters } from "../urls";
import { useApi } from "./api";
import { keys } from "./keys";

export const PAGE_SIZE = 100;
export const DEFAULT_SORT = "-started_at";

/** Rollouts in pages; the first page also says how many there are. */
export function useTraces(filters: TraceFilters, sort = DEFAULT_SORT, enabled = true) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: keys.traces(filters, sort),
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      api.traces(
        filters,
        { limit: PAGE_SIZE, sort, cursor: pageParam || undefined, count: pageParam === "" },
        signal,
      ),
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    enabled,
  });
}
