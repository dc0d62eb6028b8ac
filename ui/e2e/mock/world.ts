/** Everything that the mock server knows. */
import type { Span, SpanOutline, TraceDetail, TraceSummary } from "../../src/api/types.ts";
import { airlineRollouts } from "./airline.ts";
import { codingRollout } from "./coding.ts";
import { LARGE_ID, LargeTrace, summaryAt } from "./large.ts";
import type { Rollout } from "./recorder.ts";

export const CODING_ID = "c0de0000000000000000000000000001";
export const RUNNING_ID = "c0de0000000000000000000000000002";
const BULK = 1_000_000;

export interface SpanSource {
  detail: TraceDetail;
  total: number;
  span: (index: number) => Span;
  outline: (index: number) => SpanOutline;
}

export class World {
  readonly bulkSize = BULK;
  readonly now = Date.now();
  private readonly large = new LargeTrace(100_000, this.now - 4_000_000);

  constructor(readonly rollouts: Rollout[]) {}

  summaries(): TraceSummary[] {
    return this.rollouts
      .map((rollout) => rollout.detail)
      .sort((a, b) => b.started_at.localeCompare(a.started_at));
  }

  bulk(place: number): TraceSummary {
    return summaryAt(place, this.now);
  }

  source(id: string): SpanSource | null {
    if (id === LARGE_ID) {
      const large = this.large;
      return {
        detail: large.detail(),
        total: large.total,
        span: (index) => large.span(index),
        outline: (index) => large.outline(index),
      };
    }
    const rollout = this.rollouts.find(({ detail }) => detail.trace_id === id);
    if (!rollout) return null;
    return {
      detail: rollout.detail,
      total: rollout.spans.length,
      span: (index) => found(rollout.spans[index]),
      outline: (index) =>
        outlineOf(found(rollout.spans[index]), Date.parse(rollout.detail.started_at)),
    };
  }

  delete(id: string): boolean {
    const place = this.rollouts.findIndex(({ detail }) => detail.trace_id === id);
    if (place >= 0) this.rollouts.splice(place, 1);
    return place >= 0;
  }
}

export async function loadWorld(empty = false): Promise<World> {
  if (empty) return new World([]);
  const now = Date.now();
  return new World([
    codingRollout(now, CODING_ID),
    codingRollout(now, RUNNING_ID, "running"),
    ...(await airlineRollouts(now - 3_600_000)),
  ]);
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("no such span");
  return value;
}

function outlineOf(span: Span, start: number): SpanOutline {
  return {
    span_id: span.span_id,
    parent_span_id: span.parent_span_id,
    item_type: span.item_type,
    span_kind: span.span_kind,
    span_name: span.span_name,
    role: span.role ?? null,
    name: span.item_type === "criterion" ? (span.name ?? null) : null,
    call_id: span.call_id ?? span.tool_call_id ?? null,
    turn_index: span.turn_index,
    start_offset_ms: Date.parse(span.started_at) - start,
    duration_ms: span.duration_ms,
    error: span.status === "error",
    score: span.score ?? null,
    content_bytes: JSON.stringify([
      span.content,
      span.result,
      span.arguments,
      span.reasoning,
      span.tool_calls,
    ]).length,
  };
}
