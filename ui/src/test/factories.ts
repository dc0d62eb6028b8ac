/** Values of the API with everything that a test does not care about filled in. */
import type { Project, Span, SpanOutline, TraceDetail, TraceSummary } from "../api/types";

export function traceSummary(over: Partial<TraceSummary> = {}): TraceSummary {
  return {
    trace_id: "a".repeat(32),
    trace_id_text: null,
    name: "rollout",
    first_message: "Cancel my flight",
    status: "COMPLETED",
    status_text: null,
    state: "ended",
    last_seen_at: "2026-11-20T10:00:05Z",
    error_message: null,
    phase: "eval",
    project: "airline",
    run_id: "run-1",
    step_number: 3,
    datapoint_id: "task-1",
    sample_index: 0,
    env_name: null,
    model_name: "gpt-4o",
    models: ["gpt-4o"],
    grader_name: null,
    score: 0.5,
    turn_count: 2,
    span_count: 4,
    error_count: 0,
    input_tokens: 1200,
    cached_input_tokens: 0,
    output_tokens: 90,
    cost_usd: 0.0123,
    grader_input_tokens: 0,
    grader_output_tokens: 0,
    grader_cost_usd: null,
    started_at: "2026-11-20T10:00:00Z",
    ended_at: "2026-11-20T10:00:05Z",
    duration_ms: 5000,
    tags: [],
    parent_trace_id: null,
    session_id: null,
    user_id: null,
    policy_version: null,
    ...over,
  };
}

export function traceDetail(over: Partial<TraceDetail> = {}): TraceDetail {
  return {
    ...traceSummary(),
    metadata: {},
    error_type: null,
    traceback: null,
    segments: [],
    resource: {},
    url: "/traces/x",
    ...over,
  };
}

export function spanOutline(over: Partial<SpanOutline> = {}): SpanOutline {
  return {
    span_id: "s0",
    parent_span_id: null,
    item_type: "message",
    span_kind: "message",
    span_name: "message.user",
    role: "user",
    name: null,
    call_id: null,
    turn_index: 0,
    start_offset_ms: 0,
    duration_ms: null,
    error: false,
    score: null,
    content_bytes: 10,
    ...over,
  };
}

export function span(over: Partial<Span> = {}): Span {
  return {
    span_id: "s0",
    parent_span_id: null,
    item_type: "message",
    span_kind: "message",
    span_name: "message.user",
    turn_index: 0,
    intra_index: 0,
    sequence: 0,
    logged_at: "2026-11-20T10:00:00Z",
    started_at: "2026-11-20T10:00:00Z",
    ended_at: null,
    duration_ms: null,
    status: "unset",
    error_message: null,
    error_type: null,
    traceback: null,
    marks: [],
    ...over,
  };
}

export function project(over: Partial<Project> = {}): Project {
  return {
    id: "airline",
    name: "airline",
    created_at: null,
    trace_count: 200,
    last_trace_at: "2026-11-20T10:00:00Z",
    url: "/p/airline",
    ...over,
  };
}
