/** Every address is built and read here: pages, their query strings, and the API. */
import type { ListPage, Window } from "./api/client";

/** Filters that may be given several times. */
export const MULTI_FILTERS = [
  "model",
  "status",
  "state",
  "tags",
  "any_tags",
  "phase",
  "project",
  "run_id",
  "step_number",
  "datapoint_id",
  "env_name",
  "grader_name",
  "metadata",
] as const;

/** Filters that have one value. */
export const SINGLE_FILTERS = ["min_score", "max_score", "from", "to", "q"] as const;

export type MultiFilter = (typeof MULTI_FILTERS)[number];
export type SingleFilter = (typeof SINGLE_FILTERS)[number];
export type FilterField = MultiFilter | SingleFilter;

/** What a list is narrowed to; absent means not narrowed. */
export type TraceFilters = Partial<Record<MultiFilter, string[]>> &
  Partial<Record<SingleFilter, string>>;

/** State of the list page that its address carries. */
export interface ListSearch extends TraceFilters {
  sort?: string;
  /** The rollout that is open beside the list. */
  open?: string;
  item?: string;
  find?: string;
}

/** State of the trace page that its address carries. */
export interface TraceSearch {
  item?: string | undefined;
  find?: string | undefined;
}

export type RawSearch = Record<string, string | string[]>;

/** Reads a query string without interpreting values: `?model=a&model=b` is `{model: ["a", "b"]}`. */
export function parseQuery(query: string): RawSearch {
  const raw: RawSearch = {};
  for (const [key, value] of new URLSearchParams(query)) {
    const before = raw[key];
    raw[key] = before === undefined ? value : [before, value].flat();
  }
  return raw;
}

/** The inverse of `parseQuery`; empty values are left out. */
export function formatQuery(search: object): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    for (const entry of asList(value)) {
      const text = typeof entry === "number" ? String(entry) : entry;
      if (typeof text === "string" && text !== "") params.append(key, text);
    }
  }
  const query = params.toString();
  return query === "" ? "" : `?${query}`;
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function texts(raw: Record<string, unknown>, key: string): string[] {
  return asList(raw[key]).filter(
    (value): value is string => typeof value === "string" && value !== "",
  );
}

/** Keeps the filters of a query string and nothing else. */
export function parseFilters(raw: Record<string, unknown>): TraceFilters {
  const filters: TraceFilters = {};
  for (const field of MULTI_FILTERS) {
    const values = [...new Set(texts(raw, field))];
    if (values.length > 0) filters[field] = values;
  }
  for (const field of SINGLE_FILTERS) {
    const value = texts(raw, field).at(-1);
    if (value !== undefined) filters[field] = value;
  }
  return filters;
}

export function parseListSearch(raw: Record<string, unknown>): ListSearch {
  const search: ListSearch = parseFilters(raw);
  for (const key of ["sort", "open", "item", "find"] as const) {
    const value = texts(raw, key).at(-1);
    if (value !== undefined) search[key] = value;
  }
  return search;
}

export function parseTraceSearch(raw: Record<string, unknown>): TraceSearch {
  const search: TraceSearch = {};
  for (const key of ["item", "find"] as const) {
    const value = texts(raw, key).at(-1);
    if (value !== undefined) search[key] = value;
  }
  return search;
}

export function hasFilters(filters: TraceFilters): boolean {
  return [...MULTI_FILTERS, ...SINGLE_FILTERS].some((field) => filters[field] !== undefined);
}

/** Addresses of pages, for links that leave the router and for copying. */
export const pageUrls = {
  trace: (traceId: string, search: TraceSearch = {}) =>
    `/traces/${encodeURIComponent(traceId)}${formatQuery(search)}`,
};

/** Addresses of the API. */
export const apiUrls = {
  ready: () => "/readyz",
  projects: () => `/api/v1/projects${formatQuery({ limit: 1000 })}`,
  traces: (filters: TraceFilters, page: ListPage) =>
    `/api/v1/traces${formatQuery({ ...filters, ...page, count: page.count ? "true" : undefined })}`,
  facets: (filters: TraceFilters) => `/api/v1/facets${formatQuery(filters)}`,
  trace: (id: string) => `/api/v1/traces/${encodeURIComponent(id)}`,
  outline: (id: string, window: Window) => `${apiUrls.trace(id)}/outline${formatQuery(window)}`,
  spans: (id: string, window: Window) => `${apiUrls.trace(id)}/spans${formatQuery(window)}`,
  search: (id: string, q: string) => `${apiUrls.trace(id)}/search${formatQuery({ q })}`,
  live: (filters: TraceFilters) => `/api/v1/live${formatQuery(filters)}`,
  liveTrace: (trace_id: string) => `/api/v1/live${formatQuery({ trace_id })}`,
};
