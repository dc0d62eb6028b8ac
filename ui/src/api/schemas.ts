/**
 * What the server may answer, checked once at the boundary. `contract.test.ts` and the `satisfies` clauses hold these
 * against the types generated from the OpenAPI document.
 */
import * as v from "valibot";
import type { components } from "./generated";

type Contract = components["schemas"];

const text = v.nullish(v.string(), null);
const number = v.nullish(v.number(), null);
const count = v.nullish(v.number(), 0);
const texts = v.nullish(v.array(v.string()), []);
const record = v.nullish(v.record(v.string(), v.unknown()), {});
const absentText = v.optional(v.nullable(v.string()));
const absentNumber = v.optional(v.nullable(v.number()));

const summaryEntries = {
  trace_id: v.string(),
  trace_id_text: text,
  name: text,
  first_message: text,
  status: v.string(),
  status_text: text,
  state: v.string(),
  last_seen_at: v.string(),
  error_message: text,
  phase: text,
  project: v.string(),
  run_id: text,
  step_number: number,
  datapoint_id: text,
  sample_index: number,
  env_name: text,
  model_name: text,
  models: texts,
  grader_name: text,
  score: number,
  turn_count: count,
  span_count: count,
  error_count: count,
  input_tokens: count,
  cached_input_tokens: count,
  output_tokens: count,
  cost_usd: number,
  grader_input_tokens: count,
  grader_output_tokens: count,
  grader_cost_usd: number,
  started_at: v.string(),
  ended_at: text,
  duration_ms: count,
  tags: texts,
  parent_trace_id: text,
  session_id: text,
  user_id: text,
  policy_version: text,
};

export const traceSummary = v.object(summaryEntries) satisfies v.GenericSchema<
  unknown,
  Contract["TraceSummary"]
>;

const segment = v.object({
  span_id: v.string(),
  started_at: v.string(),
  ended_at: text,
  status: text,
}) satisfies v.GenericSchema<unknown, Contract["Segment"]>;

export const traceDetail = v.object({
  ...summaryEntries,
  metadata: record,
  error_type: text,
  traceback: text,
  segments: v.array(segment),
  resource: record,
  url: v.string(),
});

/** Columns with one entry a span; `outline.ts` makes spans of them. */
export const traceOutline = v.object({
  offset: v.number(),
  total: v.number(),
  kinds: v.array(
    v.object({
      item_type: v.string(),
      span_kind: v.string(),
      span_name: v.string(),
      role: text,
      name: text,
    }),
  ),
  parents: v.array(v.string()),
  span_id: v.array(v.string()),
  kind: v.array(v.number()),
  parent: v.array(v.nullable(v.number())),
  call_id: v.array(v.nullable(v.string())),
  turn_index: v.array(v.number()),
  start_offset_ms: v.array(v.number()),
  duration_ms: v.array(v.nullable(v.number())),
  content_bytes: v.array(v.number()),
  errors: v.array(v.number()),
  scores: v.array(v.object({ at: v.number(), score: v.number() })),
}) satisfies v.GenericSchema<unknown, Contract["TraceOutline"]>;

export const span = v.object({
  span_id: v.string(),
  parent_span_id: text,
  item_type: v.string(),
  span_kind: v.string(),
  span_name: v.string(),
  turn_index: v.number(),
  intra_index: v.number(),
  sequence: v.number(),
  logged_at: v.string(),
  started_at: v.string(),
  ended_at: text,
  duration_ms: number,
  status: v.string(),
  error_message: text,
  error_type: text,
  traceback: text,
  marks: texts,
  role: absentText,
  content: v.optional(v.unknown()),
  reasoning: absentText,
  tool_calls: v.optional(v.unknown()),
  tool_call_id: absentText,
  call_id: absentText,
  name: absentText,
  model: absentText,
  provider: absentText,
  input_tokens: absentNumber,
  output_tokens: absentNumber,
  cached_input_tokens: absentNumber,
  reasoning_tokens: absentNumber,
  cost_usd: absentNumber,
  finish_reason: absentText,
  grader_name: absentText,
  prompt: absentText,
  arguments: v.optional(v.unknown()),
  result: v.optional(v.unknown()),
  error: absentText,
  requestor: absentText,
  input: v.optional(v.unknown()),
  output: v.optional(v.unknown()),
  score: absentNumber,
  grader_type: absentText,
  criteria: v.optional(v.unknown()),
  passed_count: absentNumber,
  total_count: absentNumber,
  artifacts: v.optional(v.unknown()),
  grader_version: absentText,
  passed: v.optional(v.nullable(v.boolean())),
  weight: absentNumber,
  details: v.optional(v.unknown()),
  rollout_status: absentText,
  metadata: v.optional(v.unknown()),
  tags: v.optional(v.nullable(v.array(v.string()))),
  attributes: v.optional(v.unknown()),
  scope_name: absentText,
  span_events: v.optional(v.unknown()),
  links: v.optional(v.unknown()),
}) satisfies v.GenericSchema<unknown, Contract["Span"]>;

export const spanPage = v.object({
  items: v.array(span),
  offset: v.number(),
  total: v.number(),
  next_cursor: text,
  previous_cursor: text,
}) satisfies v.GenericSchema<unknown, Contract["SpanPage"]>;

const spanMatch = v.object({
  span_id: v.string(),
  index: v.number(),
  count: v.number(),
}) satisfies v.GenericSchema<unknown, Contract["SpanMatch"]>;

export const spanMatches = v.object({
  items: v.array(spanMatch),
  truncated: v.boolean(),
}) satisfies v.GenericSchema<unknown, Contract["SpanMatches"]>;

export const project = v.object({
  id: v.string(),
  name: v.string(),
  created_at: text,
  trace_count: count,
  last_trace_at: text,
  url: v.string(),
}) satisfies v.GenericSchema<unknown, Contract["Project"]>;

const facet = v.object({
  field: v.string(),
  values: v.array(v.object({ value: v.string(), count: v.number() })),
}) satisfies v.GenericSchema<unknown, Contract["Facet"]>;

export const facets = v.array(facet);

export const tracePage = v.object({
  items: v.array(traceSummary),
  next_cursor: text,
  total: number,
});

export const projectPage = v.object({
  items: v.array(project),
  next_cursor: text,
  total: number,
});

export const liveTraces = v.object({ items: v.array(traceSummary) });
export const liveSpans = v.object({ items: v.array(span) });

export const errorBody = v.object({
  error: v.object({ message: v.string(), type: v.string(), code: v.string() }),
}) satisfies v.GenericSchema<unknown, Contract["ErrorBody"]>;
