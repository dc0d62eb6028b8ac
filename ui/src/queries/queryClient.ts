import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "../api/error";

/** One cache; an error that asking again cannot change is not asked again. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => failures < 2 && error instanceof ApiError && !error.isRefused,
        retryDelay: (failures) => Math.min(500 * 2 ** failures, 4000),
      },
    },
  });
}
