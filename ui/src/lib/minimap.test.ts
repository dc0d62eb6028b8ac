import { expect, test } from "vitest";
import { spanOutline } from "../test/factories";
import { rowAt, rowTops, stripLines } from "./minimap";
import { buildTranscript } from "./transcript";

test("a place belongs to the row that begins before it", () => {
  const tops = rowTops([10, 20, 30]);
  expect([...tops]).toEqual([0, 10, 30, 60]);
  expect([0, 9, 10, 29, 30, 59, 99].map((place) => rowAt(tops, place))).toEqual([
    0, 0, 1, 1, 2, 2, 2,
  ]);
});

test("an error is seen among thousands of rows that share its line", () => {
  const spans = Array.from({ length: 10_000 }, (_, index) =>
    spanOutline({ span_id: `s${index}`, error: index === 5000 }),
  );
  const { rows } = buildTranscript(spans);
  const lines = stripLines(rows, rowTops(rows.map(() => 50)), 100);
  expect(lines.map(({ errors }) => errors).indexOf(1)).toBe(50);
  expect(lines.filter(({ errors }) => errors > 0)).toHaveLength(1);
});

test("where errors are everywhere, what stands there is still seen, and where there are more of them", () => {
  const spans = Array.from({ length: 1000 }, (_, index) =>
    spanOutline({ span_id: `s${index}`, error: index < 500 || index % 100 === 0 }),
  );
  const { rows } = buildTranscript(spans);
  const lines = stripLines(rows, rowTops(rows.map(() => 50)), 10);
  expect(lines.map(({ role }) => role)).toEqual(Array(10).fill("user"));
  expect(lines[0]?.errors).toBeGreaterThan(lines[9]?.errors ?? 0);
  expect(lines[9]?.errors).toBeGreaterThan(0);
});
