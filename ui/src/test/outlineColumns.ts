import type { OutlineColumns, SpanOutline, TraceOutline } from "../api/outline";

/** Spans as the server says them. */
export function outlineColumns({ items, offset, total }: TraceOutline): OutlineColumns {
  const kinds = new Places<ReturnType<typeof kindOf>>(JSON.stringify);
  const parents = new Places<string>(String);
  return {
    offset,
    total,
    span_id: items.map((span) => span.span_id),
    kind: items.map((span) => kinds.place(kindOf(span))),
    parent: items.map((span) =>
      span.parent_span_id === null ? null : parents.place(span.parent_span_id),
    ),
    call_id: items.map((span) => span.call_id),
    turn_index: items.map((span) => span.turn_index),
    start_offset_ms: items.map((span) => span.start_offset_ms),
    duration_ms: items.map((span) => span.duration_ms),
    content_bytes: items.map((span) => span.content_bytes),
    errors: items.flatMap((span, at) => (span.error ? [at] : [])),
    scores: items.flatMap((span, at) => (span.score === null ? [] : [{ at, score: span.score }])),
    kinds: kinds.values,
    parents: parents.values,
  };
}

function kindOf({ item_type, span_kind, span_name, role, name }: SpanOutline) {
  return { item_type, span_kind, span_name, role, name };
}

class Places<T> {
  readonly values: T[] = [];
  private readonly known = new Map<string, number>();
  private readonly key: (value: T) => string;

  constructor(key: (value: T) => string) {
    this.key = key;
  }

  place(value: T): number {
    const key = this.key(value);
    const place = this.known.get(key) ?? this.values.push(value) - 1;
    this.known.set(key, place);
    return place;
  }
}
