import { useQuery } from "@tanstack/react-query";
import { useApi } from "./api";
import { keys } from "./keys";

const WAITING_MS = 1_000;
const RESTING_MS = 30_000;

/** All projects, asked for again by itself: soon while somebody waits for the first one. */
export function useProjects() {
  const api = useApi();
  return useQuery({
    queryKey: keys.projects,
    queryFn: ({ signal }) => api.projects(signal),
    refetchInterval: ({ state }) => (state.data?.items.length === 0 ? WAITING_MS : RESTING_MS),
  });
}
