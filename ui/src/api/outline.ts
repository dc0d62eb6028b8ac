/** The outline of a trace: columns on the wire, spans in the program. */
import type * as v from "valibot";
import type * as schemas from "./schemas";

export type OutlineColumns = v.InferOutput<typeof schemas.traceOutline>;

/** A span without its content. */
export interface SpanOutline {
  span_id: string;
  parent_span_id: string | null;
  item_type: string;
  span_kind: string;
  span_name: string;
  role: string | null;
  /** Name of a criterion. */
  name: string | null;
  call_id: string | null;
  turn_index: number;
  /** Start in milliseconds after the start of the trace. */
  start_offset_ms: number;
  duration_ms: number | null;
  error: boolean;
  score: number | null;
  content_bytes: number;
}

export interface TraceOutline {
  items: SpanOutline[];
  offset: number;
  total: number;
}

export function outlineFromColumns(columns: OutlineColumns): TraceOutline {
  const items = columns.span_id.map((span_id, at): SpanOutline => {
    const kind = columns.kinds[columns.kind[at] ?? -1];
    const parent = columns.parent[at] ?? null;
    return {
      span_id,
      parent_span_id: parent === null ? null : (columns.parents[parent] ?? null),
      item_type: kind?.item_type ?? "otel",
      span_kind: kind?.span_kind ?? "otel",
      span_name: kind?.span_name ?? "",
      role: kind?.role ?? null,
      name: kind?.name ?? null,
      call_id: columns.call_id[at] ?? null,
      turn_index: columns.turn_index[at] ?? 0,
      start_offset_ms: columns.start_offset_ms[at] ?? 0,
      duration_ms: columns.duration_ms[at] ?? null,
      error: false,
      score: null,
      content_bytes: columns.content_bytes[at] ?? 0,
    };
  });
  for (const at of columns.errors) {
    const span = items[at];
    if (span) span.error = true;
  }
  for (const { at, score } of columns.scores) {
    const span = items[at];
    if (span) span.score = score;
  }
  return { items, offset: columns.offset, total: columns.total };
}
