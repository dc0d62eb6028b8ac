/** Generated bulk: one trace of very many spans, and a list of very many traces that is never held in memory. */
import type { Span, SpanOutline, TraceDetail, TraceSummary } from "../../src/api/types.ts";
import { iso } from "./recorder.ts";

const WORDS =
  "the agent reads a file then runs tests and looks at the output before it decides what to change next in code".split(
    " ",
  );

export const LARGE_ID = "1a46e000000000000000000000000001";

export class LargeTrace {
  constructor(
    readonly total: number,
    private readonly start: number,
  ) {}

  span(index: number): Span {
    const kind = index === 0 ? "rollout" : index % 3 === 0 ? "tool" : "message";
    const role = index % 3 === 1 ? (index % 9 === 1 ? "user" : "assistant") : "assistant";
    const at = iso(this.start + index * 40);
    const failed = kind === "tool" && index % 997 === 0;
    return {
      span_id: index.toString(16).padStart(16, "0"),
      parent_span_id: index === 0 ? null : "0".repeat(16),
      item_type: kind,
      span_kind: kind,
      span_name: kind === "tool" ? "tool.bash" : kind === "message" ? `message.${role}` : "rollout",
      turn_index: Math.floor(index / 3),
      intra_index: index % 3,
      sequence: index,
      logged_at: at,
      started_at: at,
      ended_at: at,
      duration_ms: 5 + (index % 35),
      status: failed ? "error" : "ok",
      error_message: failed ? "exit status 1" : null,
      error_type: null,
      traceback: null,
      marks: [],
      ...(kind === "tool"
        ? {
            name: "bash",
            call_id: `call_${index}`,
            arguments: { command: `make step-${index}` },
            result: text(index, 12),
            ...(failed ? { error: "exit status 1" } : {}),
          }
        : {}),
      ...(kind === "message"
        ? {
            role,
            content: text(index, 6 + ((index * 7919) % 60)),
            ...(role === "assistant"
              ? { model: "policy-7b", input_tokens: 900 + (index % 400), output_tokens: 40 }
              : {}),
          }
        : {}),
    };
  }

  outline(index: number): SpanOutline {
    const span = this.span(index);
    return {
      span_id: span.span_id,
      parent_span_id: span.parent_span_id,
      item_type: span.item_type,
      span_kind: span.span_kind,
      span_name: span.span_name,
      role: span.role ?? null,
      name: null,
      call_id: span.call_id ?? null,
      turn_index: span.turn_index,
      start_offset_ms: index * 40,
      duration_ms: span.duration_ms,
      error: span.status === "error",
      score: null,
      content_bytes: JSON.stringify(span.content ?? span.result ?? "").length,
    };
  }

  detail(): TraceDetail {
    return {
      ...summaryAt(0, this.start),
      trace_id: LARGE_ID,
      name: "hundred thousand spans",
      project: "bulk",
      span_count: this.total,
      turn_count: Math.ceil(this.total / 3),
      state: "ended",
      duration_ms: this.total * 40,
      metadata: {},
      error_type: null,
      traceback: null,
      segments: [],
      resource: {},
      url: `/traces/${LARGE_ID}`,
    };
  }
}

function text(seed: number, words: number): string {
  let out = `Item ${seed}:`;
  for (let n = 0; n < words; n += 1) out += ` ${WORDS[(seed * 31 + n * 17) % WORDS.length] ?? ""}`;
  return out;
}

/** The trace at a place of an endless list, newest first. */
export function summaryAt(place: number, now: number): TraceSummary {
  const statuses = ["COMPLETED", "COMPLETED", "COMPLETED", "TRUNCATED", "TOOL_ERROR", "ABORTED"];
  const status = statuses[(place * 7) % statuses.length] ?? "COMPLETED";
  const started = iso(now - place * 1_700);
  return {
    trace_id: `b0${place.toString(16).padStart(30, "0")}`,
    trace_id_text: null,
    name: null,
    first_message: text(place, 9),
    status,
    status_text: null,
    state: "ended",
    last_seen_at: started,
    error_message: status === "TOOL_ERROR" ? "exit status 1" : null,
    phase: "train",
    project: "bulk",
    run_id: `run-${place % 12}`,
    step_number: Math.floor(place / 512),
    datapoint_id: `dp-${place % 4096}`,
    sample_index: place % 8,
    env_name: "bulk-env",
    model_name: "policy-7b",
    models: ["policy-7b"],
    grader_name: "tests",
    score: ((place * 13) % 101) / 100,
    turn_count: 3 + (place % 40),
    span_count: 12 + (place % 160),
    error_count: status === "TOOL_ERROR" ? 1 : 0,
    input_tokens: 1000 + ((place * 37) % 90_000),
    cached_input_tokens: 500,
    output_tokens: 200 + (place % 4000),
    cost_usd: (place % 700) / 10_000,
    grader_input_tokens: 0,
    grader_output_tokens: 0,
    grader_cost_usd: null,
    started_at: started,
    ended_at: started,
    duration_ms: 900 + ((place * 911) % 400_000),
    tags: place % 5 === 0 ? ["kept"] : [],
    parent_trace_id: null,
    session_id: null,
    user_id: null,
    policy_version: null,
  };
}
