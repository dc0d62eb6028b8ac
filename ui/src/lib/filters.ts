/** What lists can be narrowed by, how it is called on screen, and what to suggest while one types. */
import type { Facets } from "../api/types";
import {
  MULTI_FILTERS,
  parseFilters,
  SINGLE_FILTERS,
  type FilterField,
  type MultiFilter,
  type TraceFilters,
} from "../urls";

export type FilterInput = "values" | "number" | "time" | "text";

export interface FilterDefinition {
  field: FilterField;
  label: string;
  hint: string;
  input: FilterInput;
}

export const FILTERS: readonly FilterDefinition[] = [
  { field: "status", label: "status", hint: "how it ended", input: "values" },
  { field: "model", label: "model", hint: "any model that spoke", input: "values" },
  { field: "project", label: "project", hint: "what owns it", input: "values" },
  { field: "run_id", label: "run", hint: "training or eval job", input: "values" },
  { field: "step_number", label: "step", hint: "step of the run", input: "values" },
  { field: "datapoint_id", label: "datapoint", hint: "the input it answers", input: "values" },
  { field: "tags", label: "tag", hint: "has all of them", input: "values" },
  { field: "any_tags", label: "any tag", hint: "has one of them", input: "values" },
  { field: "phase", label: "phase", hint: "train, eval, prod", input: "values" },
  { field: "state", label: "state", hint: "running, ended, lost", input: "values" },
  { field: "env_name", label: "environment", hint: "where it ran", input: "values" },
  { field: "grader_name", label: "grader", hint: "who graded it", input: "values" },
  { field: "min_score", label: "score at least", hint: "a number", input: "number" },
  { field: "max_score", label: "score at most", hint: "a number", input: "number" },
  { field: "from", label: "started after", hint: "a time", input: "time" },
  { field: "to", label: "started before", hint: "a time", input: "time" },
  { field: "metadata", label: "metadata", hint: "key=value or key>value", input: "text" },
  { field: "q", label: "text", hint: "in messages and tools", input: "text" },
];

const BY_FIELD = new Map(FILTERS.map((filter) => [filter.field, filter]));

export function filterDefinition(field: FilterField): FilterDefinition {
  const found = BY_FIELD.get(field);
  if (!found) throw new Error(`no filter ${field}`);
  return found;
}

export function isMultiFilter(field: FilterField): field is MultiFilter {
  return MULTI_FILTERS.some((multi) => multi === field);
}

/** The fields that narrow the list, in the order of the bar. */
export function activeFields(filters: TraceFilters): FilterField[] {
  return FILTERS.map((filter) => filter.field).filter((field) => filters[field] !== undefined);
}

export function filterValues(filters: TraceFilters, field: FilterField): string[] {
  const value = filters[field];
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** `filters` with a value added, or in place of the one before where there can be one only. */
export function withValue(filters: TraceFilters, field: FilterField, value: string): TraceFilters {
  if (!isMultiFilter(field)) return { ...filters, [field]: value };
  const values = filterValues(filters, field);
  return values.includes(value) ? filters : { ...filters, [field]: [...values, value] };
}

export function withoutValue(
  filters: TraceFilters,
  field: FilterField,
  value: string,
): TraceFilters {
  const rest = filterValues(filters, field).filter((other) => other !== value);
  const next = withoutField(filters, field);
  return rest.length === 0 || !isMultiFilter(field) ? next : { ...next, [field]: rest };
}

export function withoutField(filters: TraceFilters, field: FilterField): TraceFilters {
  return parseFilters(
    Object.fromEntries(Object.entries(filters).filter(([name]) => name !== field)),
  );
}

/** The value as a chip shows it. */
export function displayValue(field: FilterField, value: string): string {
  if (filterDefinition(field).input !== "time") return value;
  const time = new Date(value);
  return Number.isNaN(time.getTime())
    ? value
    : time.toLocaleString("en-GB", {
        day: "numeric",
        month: "short",
        hour: "2-digit",
        minute: "2-digit",
      });
}

export type Suggestion =
  | { kind: "field"; field: FilterField }
  | { kind: "value"; field: FilterField; value: string; count: number | null };

const MAX_VALUES = 12;

/** What the search box offers for what is in it. */
export function suggest(input: string, facets: Facets, filters: TraceFilters): Suggestion[] {
  const text = input.trim();
  const named = namedField(text);
  if (named) return suggestValues(named.field, named.rest, facets, filters);
  const lower = text.toLowerCase();
  const fields = FILTERS.filter(
    (filter) =>
      filter.field !== "q" && (filter.label.includes(lower) || filter.field.startsWith(lower)),
  ).map((filter): Suggestion => ({ kind: "field", field: filter.field }));
  if (text === "") return fields;
  const values = facets.flatMap((facet) => {
    const field = knownField(facet.field);
    return field === null ? [] : matching(field, lower, facets, filters).slice(0, 3);
  });
  return [
    { kind: "value", field: "q", value: text, count: null },
    ...values.slice(0, MAX_VALUES),
    ...fields,
  ];
}

/** What to type after the name of a field; null where no field is named, or its value stands there. */
export function suggestHint(input: string): string | null {
  const named = namedField(input.trim());
  if (!named) return null;
  const { input: kind, hint, label } = filterDefinition(named.field);
  const isRead = typedValue(kind, named.rest) !== null;
  if (named.rest !== "" && isRead) return null;
  switch (kind) {
    case "number":
      return `Type a number, such as ${label}: 0.5`;
    case "time":
      return `Type a time, such as ${label}: 2026-11-21 08:30`;
    case "text":
      return `Type ${hint}`;
    case "values":
      return `Type the ${label}, then Enter`;
  }
}

/** `model:gpt` or `score at least: 0.5` names the field and begins the value. */
function namedField(text: string): { field: FilterField; rest: string } | null {
  const colon = text.indexOf(":");
  if (colon <= 0) return null;
  const name = text.slice(0, colon).trim().toLowerCase();
  const found = FILTERS.find((filter) => filter.label === name || filter.field === name);
  return found ? { field: found.field, rest: text.slice(colon + 1).trim() } : null;
}

function suggestValues(
  field: FilterField,
  rest: string,
  facets: Facets,
  filters: TraceFilters,
): Suggestion[] {
  const { input } = filterDefinition(field);
  const listed = matching(field, rest.toLowerCase(), facets, filters).slice(0, MAX_VALUES);
  const typed = typedValue(input, rest);
  const known = listed.some((suggestion) => suggestion.value === typed);
  return typed === null || known
    ? listed
    : [...listed, { kind: "value", field, value: typed, count: null }];
}

function typedValue(input: FilterInput, text: string): string | null {
  if (text === "") return null;
  if (input === "number") return Number.isFinite(Number(text)) ? text : null;
  if (input !== "time") return text;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

function matching(
  field: FilterField,
  lower: string,
  facets: Facets,
  filters: TraceFilters,
): Extract<Suggestion, { kind: "value" }>[] {
  const chosen = filterValues(filters, field);
  const facet = facets.find((one) => one.field === (field === "any_tags" ? "tags" : field));
  return (facet?.values ?? [])
    .filter(({ value }) => value.toLowerCase().includes(lower) && !chosen.includes(value))
    .map(({ value, count }) => ({ kind: "value", field, value, count }));
}

function knownField(name: string): FilterField | null {
  return [...MULTI_FILTERS, ...SINGLE_FILTERS].find((field) => field === name) ?? null;
}
