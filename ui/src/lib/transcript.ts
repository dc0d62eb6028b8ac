/**
 * From the outline of a trace (its spans in the order they were logged) to the rows of the transcript: what is shown
 * as an item of its own, what is shown inside another item, and which turn it stands in.
 */
import type { SpanOutline } from "../api/types";

export type RowKind =
  "message" | "tool" | "grade" | "event" | "group" | "segment" | "model_call" | "other";

export interface TranscriptRow {
  /** Place of its leading span in the trace. */
  index: number;
  span: SpanOutline;
  kind: RowKind;
  /** How many groups are around it. */
  depth: number;
  /** Number of the turn over all segments; null for what belongs to no turn. */
  turn: number | null;
  /** True for the first row of a turn. */
  opensTurn: boolean;
  /** Places of the spans that are shown inside this row, in order. */
  absorbed: number[];
}

export interface Transcript {
  spans: readonly SpanOutline[];
  rows: TranscriptRow[];
  /** Row that shows the span at a place; -1 for spans that are not shown. */
  rowOfIndex: Int32Array;
  indexOfSpan: Map<string, number>;
  /** Places of tool rows by call id, ascending. */
  toolsByCall: Map<string, number[]>;
}

const GROUPING = new Set(["group", "agent", "otel"]);

export function isGraderMessage(span: SpanOutline): boolean {
  return span.item_type === "message" && span.span_kind.startsWith("grader.");
}

export function buildTranscript(spans: readonly SpanOutline[]): Transcript {
  return new TranscriptBuilder(spans).build();
}

/** The tool row that executes a call made at `from`: the nearest one after it, else the last one before. */
export function findExecution(
  transcript: Transcript,
  callId: string | null | undefined,
  from: number,
): number | null {
  const places = callId ? transcript.toolsByCall.get(callId) : undefined;
  if (!places) return null;
  return places.find((place) => place > from) ?? places.at(-1) ?? null;
}

class TranscriptBuilder {
  private readonly rows: TranscriptRow[] = [];
  private readonly rowOfIndex: Int32Array;
  private readonly indexOfSpan = new Map<string, number>();
  private readonly toolsByCall = new Map<string, number[]>();
  private readonly depths = new Map<number, number>();
  private readonly turns = new TurnNumbers();
  private pendingGraderMessages: number[] = [];
  private lastGradeRow = -1;
  private roots = 0;

  constructor(private readonly spans: readonly SpanOutline[]) {
    this.rowOfIndex = new Int32Array(spans.length).fill(-1);
    spans.forEach((span, index) => this.indexOfSpan.set(span.span_id, index));
  }

  build(): Transcript {
    this.spans.forEach((span, index) => this.place(span, index));
    this.placeLeftOverGraderMessages();
    return {
      spans: this.spans,
      rows: this.rows,
      rowOfIndex: this.rowOfIndex,
      indexOfSpan: this.indexOfSpan,
      toolsByCall: this.toolsByCall,
    };
  }

  private place(span: SpanOutline, index: number): void {
    if (span.item_type === "rollout") return this.placeRoot(span, index);
    if (isGraderMessage(span)) {
      this.pendingGraderMessages.push(index);
      return;
    }
    if (span.item_type === "criterion" && this.absorbIntoParent(span, index)) return;
    const kind = rowKind(span);
    if (kind === "tool") return this.placeTool(span, index);
    const row = this.push(span, index, kind);
    if (kind === "grade") {
      this.absorb(row, this.pendingGraderMessages);
      this.pendingGraderMessages = [];
      this.lastGradeRow = this.rows.length - 1;
    }
  }

  /** The first segment is the trace itself; later ones are marked. */
  private placeRoot(span: SpanOutline, index: number): void {
    this.roots += 1;
    if (this.roots > 1) this.push(span, index, "segment");
  }

  private placeTool(span: SpanOutline, index: number): void {
    const places = span.call_id === null ? undefined : this.toolsByCall.get(span.call_id);
    const before = places?.at(-1);
    if (before !== undefined && this.isOtherHalf(before, span)) {
      const row = this.rows[this.rowOfIndex[before] ?? -1];
      if (row) return this.absorb(row, [index]);
    }
    this.push(span, index, "tool");
    if (span.call_id === null) return;
    if (places) places.push(index);
    else this.toolsByCall.set(span.call_id, [index]);
  }

  /** True where one is the execution and the other the tool-role message that reports it to the model. */
  private isOtherHalf(before: number, span: SpanOutline): boolean {
    const first = this.spans[before];
    const row = this.rows[this.rowOfIndex[before] ?? -1];
    return first !== undefined && row?.absorbed.length === 0 && first.item_type !== span.item_type;
  }

  private absorbIntoParent(span: SpanOutline, index: number): boolean {
    const parent =
      span.parent_span_id === null ? undefined : this.indexOfSpan.get(span.parent_span_id);
    if (parent === undefined || this.spans[parent]?.item_type !== "grade") return false;
    const row = this.rows[this.rowOfIndex[parent] ?? -1];
    if (!row) return false;
    this.absorb(row, [index]);
    return true;
  }

  private placeLeftOverGraderMessages(): void {
    const lastGrade = this.rows[this.lastGradeRow];
    if (lastGrade) return this.absorb(lastGrade, this.pendingGraderMessages);
    const late: TranscriptRow[] = this.rows.splice(0);
    const pending = [...this.pendingGraderMessages];
    for (const row of late) {
      while (pending[0] !== undefined && pending[0] < row.index) this.pushIndex(pending.shift());
      this.rowOfIndex[row.index] = this.rows.length;
      for (const index of row.absorbed) this.rowOfIndex[index] = this.rows.length;
      this.rows.push(row);
    }
    for (const index of pending) this.pushIndex(index);
  }

  private pushIndex(index: number | undefined): void {
    const span = index === undefined ? undefined : this.spans[index];
    if (span && index !== undefined) this.push(span, index, "message");
  }

  private absorb(row: TranscriptRow, indices: number[]): void {
    const place = this.rowOfIndex[row.index] ?? -1;
    for (const index of indices) {
      row.absorbed.push(index);
      this.rowOfIndex[index] = place;
    }
  }

  private push(span: SpanOutline, index: number, kind: RowKind): TranscriptRow {
    const turn = this.turns.place(span, kind, this.segmentOf(index));
    const row: TranscriptRow = {
      index,
      span,
      kind,
      depth: this.depthOf(index),
      turn: turn?.number ?? null,
      opensTurn: turn?.opens ?? false,
      absorbed: [],
    };
    this.rowOfIndex[index] = this.rows.length;
    this.rows.push(row);
    return row;
  }

  private parentOf(index: number): number | undefined {
    const parent = this.spans[index]?.parent_span_id;
    return parent ? this.indexOfSpan.get(parent) : undefined;
  }

  private segmentOf(index: number): number {
    let at = index;
    for (let hops = 0; hops < 64; hops += 1) {
      const parent = this.parentOf(at);
      if (parent === undefined) return at;
      at = parent;
    }
    return at;
  }

  private depthOf(index: number): number {
    const known = this.depths.get(index);
    if (known !== undefined) return known;
    this.depths.set(index, 0); // ends cycles
    const parent = this.parentOf(index);
    let depth = 0;
    if (parent !== undefined) {
      const grouping = GROUPING.has(this.spans[parent]?.item_type ?? "");
      depth = this.depthOf(parent) + (grouping ? 1 : 0);
    }
    this.depths.set(index, depth);
    return depth;
  }
}

/** Numbers turns on where a segment of another process starts again from 0. */
class TurnNumbers {
  private base = 0;
  private segment = -1;
  private highest = -1;
  private assistantSpoke = false;

  place(
    span: SpanOutline,
    kind: RowKind,
    segment: number,
  ): { number: number; opens: boolean } | null {
    if (kind !== "message" && kind !== "tool") return null;
    if (this.segment !== segment) {
      this.segment = segment;
      if (this.startsAgain(span, kind)) this.base = this.highest + 1 - span.turn_index;
    }
    const number = this.base + span.turn_index;
    const opens = number > this.highest;
    if (opens) {
      this.highest = number;
      this.assistantSpoke = false;
    }
    if (span.role === "assistant") this.assistantSpoke = true;
    return { number, opens };
  }

  private startsAgain(span: SpanOutline, kind: RowKind): boolean {
    if (this.highest < 0) return false;
    const number = this.base + span.turn_index;
    return (
      number < this.highest ||
      (number === this.highest && kind === "message" && this.assistantSpoke)
    );
  }
}

function rowKind(span: SpanOutline): RowKind {
  switch (span.item_type) {
    case "message":
      return span.role === "tool" ? "tool" : "message";
    case "tool":
    case "grade":
    case "event":
    case "model_call":
      return span.item_type;
    case "group":
    case "agent":
      return "group";
    default:
      return "other";
  }
}
