import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { TraceFilters } from "../urls";
import { useApi } from "./api";
import { keys } from "./keys";

/** Values and counts to filter by, within the filters given. */
export function useFacets(filters: TraceFilters, enabled: boolean) {
  const api = useApi();
  return useQuery({
    queryKey: keys.facets(filters),
    queryFn: ({ signal }) => api.facets(filters, signal),
    placeholderData: keepPreviousData,
    enabled,
  });
}
