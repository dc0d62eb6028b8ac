import { expect, test } from "vitest";
import { spanOutline } from "../test/factories";
import { outlineColumns } from "../test/outlineColumns";
import { outlineFromColumns } from "./outline";

test("columns become the spans that they were made of", () => {
  const outline = {
    offset: 40,
    total: 45,
    items: [
      spanOutline({ span_id: "r", item_type: "rollout", role: null, duration_ms: 12.5 }),
      spanOutline({ span_id: "m", parent_span_id: "r", turn_index: 2, start_offset_ms: 3.25 }),
      spanOutline({
        span_id: "t",
        parent_span_id: "r",
        item_type: "tool",
        call_id: "c",
        error: true,
      }),
      spanOutline({ span_id: "g", parent_span_id: "m", item_type: "grade", score: 0 }),
      spanOutline({ span_id: "c", parent_span_id: "g", item_type: "criterion", name: "polite" }),
    ],
  };
  expect(outlineFromColumns(outlineColumns(outline))).toEqual(outline);
});

test("what a kind says is said once", () => {
  const items = ["a", "b", "c"].map((span_id) => spanOutline({ span_id, parent_span_id: "r" }));
  const columns = outlineColumns({ items, offset: 0, total: 3 });
  expect(columns.kinds).toHaveLength(1);
  expect(columns.parents).toEqual(["r"]);
});

test("columns that do not fit together give spans all the same", () => {
  const columns = outlineColumns({ items: [spanOutline()], offset: 0, total: 1 });
  const odd = { ...columns, kind: [7], parent: [3], errors: [9], scores: [{ at: 9, score: 1 }] };
  const [span] = outlineFromColumns(odd).items;
  expect(span).toMatchObject({ item_type: "otel", parent_span_id: null, error: false });
});
