/** What each line of the strip beside a long transcript stands for. */
import { spanRole, type LookKind } from "./spanLook";
import type { TranscriptRow } from "./transcript";

type Role = Exclude<LookKind, "error">;

export interface StripLine {
  /** What stands there; null between rows. */
  role: Role | null;
  /** How many rows with an error. */
  errors: number;
  /** Whether a grade is among them. */
  grade: boolean;
}

/** What wins where several rows share a line. */
const RANK: Readonly<Record<Role, number>> = {
  grade: 5,
  user: 4,
  tool: 3,
  assistant: 2,
  event: 1,
  system: 0,
};

/** Where each row begins; one more entry for the end of the last. */
export function rowTops(heights: number[]): Float64Array {
  const tops = new Float64Array(heights.length + 1);
  heights.forEach((height, row) => {
    tops[row + 1] = (tops[row] ?? 0) + height;
  });
  return tops;
}

/** The row at a place. */
export function rowAt(tops: Float64Array, place: number): number {
  let low = 0;
  let high = Math.max(0, tops.length - 2);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((tops[middle] ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The lines of the strip from top to bottom. */
export function stripLines(
  rows: readonly TranscriptRow[],
  tops: Float64Array,
  count: number,
): StripLine[] {
  const lines = Array.from({ length: count }, (): StripLine => {
    return { role: null, errors: 0, grade: false };
  });
  const scale = count / Math.max(1, tops.at(-1) ?? 0);
  rows.forEach((row, place) => {
    const role = spanRole(row.span);
    const from = Math.floor((tops[place] ?? 0) * scale);
    const to = Math.max(from + 1, Math.floor((tops[place + 1] ?? 0) * scale) - 1);
    for (const line of lines.slice(from, to)) {
      if (line.role === null || RANK[role] > RANK[line.role]) line.role = role;
      if (row.span.error) line.errors += 1;
      if (role === "grade") line.grade = true;
    }
  });
  return lines;
}
