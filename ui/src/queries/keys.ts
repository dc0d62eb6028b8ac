import type { TraceFilters } from "../urls";

/** Keys of everything that is cached. */
export const keys = {
  projects: ["projects"] as const,
  traces: (filters: TraceFilters, sort: string) => ["traces", filters, sort] as const,
  facets: (filters: TraceFilters) => ["facets", filters] as const,
  siblings: (group: TraceFilters) => ["siblings", group] as const,
  trace: (id: string) => ["trace", id] as const,
  outline: (id: string) => ["trace", id, "outline"] as const,
  windows: (id: string) => ["trace", id, "window"] as const,
  window: (id: string, window: number) => ["trace", id, "window", window] as const,
  spanAlone: (id: string, index: number) => ["trace", id, "window", "alone", index] as const,
  search: (id: string, text: string) => ["trace", id, "search", text] as const,
};
