import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useApi } from "./api";
import { keys } from "./keys";

/** Where a text is in a trace, folded and not yet loaded content included. */
export function useSpanSearch(traceId: string, text: string) {
  const api = useApi();
  return useQuery({
    queryKey: keys.search(traceId, text),
    queryFn: ({ signal }) => api.search(traceId, text, signal),
    placeholderData: keepPreviousData,
    enabled: text !== "",
  });
}
