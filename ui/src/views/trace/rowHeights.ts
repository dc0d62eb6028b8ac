import type { TranscriptRow } from "../../lib/transcript";

const LINE = 20;
const LINE_BYTES = 80;
const MAX_LINES = 12;

/** A guess at the height of a row that was never measured, from its kind and size. */
export function estimateHeight(row: TranscriptRow): number {
  const border = row.opensTurn ? 7 : 0;
  const lines = Math.min(MAX_LINES, Math.max(1, Math.ceil(row.span.content_bytes / LINE_BYTES)));
  switch (row.kind) {
    case "message":
      return 36 + border + (row.span.role === "system" ? 3 : lines) * LINE;
    case "model_call":
      return 60 + lines * LINE;
    case "grade":
      return 130;
    case "tool":
      return border + (row.span.error ? 90 : 60);
    default:
      return 36;
  }
}
