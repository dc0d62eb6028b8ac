import { useQuery } from "@tanstack/react-query";
import { useApi } from "./api";
import { keys } from "./keys";

/** One rollout without its spans. */
export function useTrace(traceId: string) {
  const api = useApi();
  return useQuery({
    queryKey: keys.trace(traceId),
    queryFn: ({ signal }) => api.trace(traceId, signal),
  });
}
