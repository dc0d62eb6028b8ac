/** Records made-up rollouts in the shapes of the API. */
import type { Span, TraceDetail } from "../../src/api/types.ts";

export interface Rollout {
  detail: TraceDetail;
  spans: Span[];
}

export type Given = Partial<TraceDetail> & { trace_id: string; started_at: string };

const SPEAKERS = new Set(["user", "system", "developer", "assistant"]);

/** Like `trace_run` of the SDK, as far as the pages can tell. */
export class Recorder {
  readonly spans: Span[] = [];
  private turn = 0;
  private intra = 0;
  private spoken = false;
  private now: number;
  private readonly root: string;
  private parent: string;

  constructor(private readonly given: Given) {
    this.now = Date.parse(given.started_at);
    this.root = this.id();
    this.parent = this.root;
    this.add("rollout", { name: given.name ?? "rollout", span_kind: "rollout" });
  }

  pass(ms: number): this {
    this.now += ms;
    return this;
  }

  message(role: string, fields: Partial<Span>): Span {
    const grader = fields.grader_name !== undefined;
    if (!grader) {
      if (SPEAKERS.has(role) && this.spoken) this.nextTurn();
      if (role === "assistant") this.spoken = true;
    }
    const span = this.add("message", {
      role,
      span_kind: grader ? `grader.${fields.grader_name}` : "message",
      span_name: grader ? `grader.${fields.grader_name}` : `message.${role}`,
      ...fields,
    });
    if (!grader) this.intra += 1;
    return span;
  }

  tool(name: string, fields: Partial<Span>): Span {
    const span = this.add("tool", {
      name,
      span_name: `tool.${name}`,
      span_kind: "tool",
      ...fields,
    });
    this.intra += 1;
    return span;
  }

  grade(score: number, fields: Partial<Span>): Span {
    return this.add("grade", { score, span_kind: "grader", span_name: "grade", ...fields });
  }

  event(name: string, details?: unknown): Span {
    return this.add("event", { name, details, span_kind: "event", span_name: `event.${name}` });
  }

  group<T>(name: string, attributes: unknown, body: () => T, itemType = "group"): T {
    const outer = this.parent;
    const start = this.now;
    const span = this.add(itemType, {
      name,
      span_name: name,
      span_kind: itemType === "group" ? "group" : "otel",
      attributes,
    });
    this.parent = span.span_id;
    const result = body();
    this.parent = outer;
    span.duration_ms = this.now - start;
    span.ended_at = iso(this.now);
    return result;
  }

  add(itemType: string, fields: Partial<Span>): Span {
    const duration = fields.duration_ms ?? null;
    if (duration !== null) this.now += duration;
    const first = this.spans.length === 0;
    const span: Span = {
      span_id: first ? this.root : this.id(),
      parent_span_id: first ? null : this.parent,
      item_type: itemType,
      span_kind: itemType,
      span_name: itemType,
      turn_index: this.turn,
      intra_index: this.intra,
      sequence: this.spans.length,
      logged_at: iso(this.now),
      started_at: iso(this.now - (duration ?? 0)),
      ended_at: iso(this.now),
      duration_ms: duration,
      status: fields.error !== undefined || fields.error_message ? "error" : "ok",
      error_message: fields.error ?? null,
      error_type: null,
      traceback: null,
      marks: [],
      ...fields,
    };
    this.spans.push(span);
    return span;
  }

  finish(over: Partial<TraceDetail> = {}): Rollout {
    const spans = this.spans;
    const agent = spans.filter((span) => span.grader_name === undefined);
    const grading = spans.filter((span) => span.grader_name !== undefined);
    const sum = (
      list: Span[],
      key: "input_tokens" | "output_tokens" | "cached_input_tokens" | "cost_usd",
    ) => list.reduce((total, span) => total + (span[key] ?? 0), 0);
    const start = Date.parse(this.given.started_at);
    const running = over.state === "running";
    const root = spans[0];
    if (root) {
      root.duration_ms = running ? null : this.now - start;
      root.ended_at = running ? null : iso(this.now);
      root.started_at = iso(start);
    }
    const detail: TraceDetail = {
      trace_id_text: null,
      name: null,
      first_message: firstUserText(spans),
      status: "COMPLETED",
      status_text: null,
      state: "ended",
      last_seen_at: iso(this.now),
      error_message: null,
      error_type: null,
      traceback: null,
      phase: "eval",
      project: "airline",
      run_id: null,
      step_number: null,
      datapoint_id: null,
      sample_index: null,
      env_name: null,
      model_name: null,
      models: [],
      grader_name: null,
      score: spans.findLast((span) => span.item_type === "grade")?.score ?? null,
      turn_count: Math.max(...spans.map((span) => span.turn_index)) + 1,
      span_count: spans.length,
      error_count: spans.filter((span) => span.status === "error").length,
      input_tokens: sum(agent, "input_tokens"),
      cached_input_tokens: sum(agent, "cached_input_tokens"),
      output_tokens: sum(agent, "output_tokens"),
      cost_usd: sum(agent, "cost_usd") || null,
      grader_input_tokens: sum(grading, "input_tokens"),
      grader_output_tokens: sum(grading, "output_tokens"),
      grader_cost_usd: sum(grading, "cost_usd") || null,
      ended_at: running ? null : iso(this.now),
      duration_ms: this.now - start,
      tags: [],
      parent_trace_id: null,
      session_id: null,
      user_id: null,
      policy_version: null,
      metadata: {},
      segments: [
        {
          span_id: this.root,
          started_at: iso(start),
          ended_at: running ? null : iso(this.now),
          status: running ? null : "COMPLETED",
        },
      ],
      resource: {
        "service.name": "rollouts",
        "host.name": "trainer-07",
        "process.pid": 41233,
        "telemetry.sdk.name": "caribou",
        "telemetry.sdk.version": "0.1.0",
      },
      url: `/traces/${this.given.trace_id}`,
      ...this.given,
      ...over,
    };
    return { detail, spans };
  }

  private nextTurn(): void {
    this.turn += 1;
    this.intra = 0;
    this.spoken = false;
  }

  private id(): string {
    return `${this.given.trace_id.slice(0, 8)}${this.spans.length.toString(16).padStart(8, "0")}`;
  }
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function firstUserText(spans: Span[]): string | null {
  const first = spans.find((span) => span.role === "user");
  return typeof first?.content === "string" ? first.content.slice(0, 300) : null;
}
