import { expect, test } from "vitest";
import { spanOutline } from "../test/factories";
import { childIndex, visibleNodes } from "./tree";

const spans = [
  spanOutline({ span_id: "root" }),
  spanOutline({ span_id: "a", parent_span_id: "root" }),
  spanOutline({ span_id: "b", parent_span_id: "a" }),
  spanOutline({ span_id: "c", parent_span_id: "root" }),
  spanOutline({ span_id: "lost", parent_span_id: "unknown" }),
];
const indexOfSpan = new Map(spans.map((span, index) => [span.span_id, index]));

test("children follow their parents, and spans without a known parent are roots", () => {
  const nodes = visibleNodes(childIndex(spans, indexOfSpan), new Set());
  expect(nodes.map(({ index, depth }) => [index, depth])).toEqual([
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 1],
    [4, 0],
  ]);
});

test("what is inside a folded node is left out", () => {
  const nodes = visibleNodes(childIndex(spans, indexOfSpan), new Set([1]));
  expect(nodes.map(({ index }) => index)).toEqual([0, 1, 3, 4]);
});
