import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useApi } from "./api";
import { keys } from "./keys";

export function useDeleteTrace() {
  const api = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (traceId: string) => api.deleteTrace(traceId),
    onSuccess: async (_, traceId) => {
      client.removeQueries({ queryKey: keys.trace(traceId) });
      await client.invalidateQueries({ queryKey: ["traces"] });
    },
  });
}
