import { useQuery } from "@tanstack/react-query";
import { useApi } from "./api";
import { keys } from "./keys";

export function useProjects() {
  const api = useApi();
  return useQuery({ queryKey: keys.projects, queryFn: ({ signal }) => api.projects(signal) });
}
