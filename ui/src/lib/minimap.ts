/** What each line of the strip beside a long transcript stands for. */
import { spanColor, type LookKind } from "./spanLook";
import type { TranscriptRow } from "./transcript";

/** What wins where several rows share a line. */
const RANK: Readonly<Record<LookKind, number>> = {
  error: 6,
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

/** Colours of the strip's lines; null between rows. */
export function colorLines(
  rows: TranscriptRow[],
  tops: Float64Array,
  lines: number,
): (LookKind | null)[] {
  const colors = new Array<LookKind | null>(lines).fill(null);
  const scale = lines / Math.max(1, tops.at(-1) ?? 0);
  rows.forEach((row, place) => {
    const color = spanColor(row.span);
    const from = Math.floor((tops[place] ?? 0) * scale);
    const to = Math.max(from + 1, Math.floor((tops[place + 1] ?? 0) * scale) - 1);
    for (let line = from; line < Math.min(to, lines); line += 1) {
      const before = colors[line] ?? null;
      if (before === null || RANK[color] > RANK[before]) colors[line] = color;
    }
  });
  return colors;
}
