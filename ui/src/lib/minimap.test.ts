import { expect, test } from "vitest";
import { spanOutline } from "../test/factories";
import { colorLines, rowAt, rowTops } from "./minimap";
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
  const colors = colorLines(rows, rowTops(rows.map(() => 50)), 100);
  expect(colors.indexOf("error")).toBe(50);
  expect(colors.filter((color) => color === "error")).toHaveLength(1);
});
