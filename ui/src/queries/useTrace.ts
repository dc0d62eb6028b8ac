import { queryOptions, useQuery } from "@tanstack/react-query";
import type { KestrelApi } from "../api/client";
import { useApi } from "./api";
import { keys } from "./keys";

export function traceOptions(api: KestrelApi, traceId: string) {
  return queryOptions({
    queryKey: keys.trace(traceId),
    queryFn: ({ signal }) => api.trace(traceId, signal),
  });
}

/** One rollout without its spans. */
export function useTrace(traceId: string) {
  return useQuery(traceOptions(useApi(), traceId));
}
