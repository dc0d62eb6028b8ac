import { useQuery } from "@tanstack/react-query";
import type { TraceDetail } from "../api/types";
import { useApi } from "./api";
import { keys } from "./keys";
import type { TraceFilters } from "../urls";

/** The group of a rollout: same datapoint, same step, same run. */
export function groupFilters(trace: TraceDetail): TraceFilters | null {
  if (trace.datapoint_id === null || trace.run_id === null || trace.phase === "prod") return null;
  return {
    project: [trace.project],
    run_id: [trace.run_id],
    datapoint_id: [trace.datapoint_id],
    ...(trace.step_number === null ? {} : { step_number: [String(trace.step_number)] }),
  };
}

export function useSiblings(trace: TraceDetail) {
  const api = useApi();
  const group = groupFilters(trace);
  return useQuery({
    queryKey: keys.siblings(group ?? {}),
    queryFn: ({ signal }) => api.traces(group ?? {}, { limit: 200, sort: "started_at" }, signal),
    select: (page) =>
      [...page.items].sort(
        (a, b) =>
          (a.sample_index ?? 0) - (b.sample_index ?? 0) || a.started_at.localeCompare(b.started_at),
      ),
    enabled: group !== null,
  });
}
