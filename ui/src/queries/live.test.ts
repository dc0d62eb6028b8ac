import { expect, test } from "vitest";
import { spanOutline, traceSummary } from "../test/factories";
import { upsertOutline } from "./useLiveSpans";
import { mergeLive } from "./useLiveTraces";

const known = traceSummary({ trace_id: "known", started_at: "2026-11-20T10:00:00Z" });
const list = {
  pages: [{ items: [known], next_cursor: null, total: 1 }],
  pageParams: [""],
};

test("a known rollout changes in place and is not counted again", () => {
  const merged = mergeLive(list, [{ ...known, status: "ERROR" }], true);
  expect(merged.pages[0]?.items.map(({ status }) => status)).toEqual(["ERROR"]);
  expect(merged.pages[0]?.total).toBe(1);
});

test("new rollouts come on top, the newest first", () => {
  const later = traceSummary({ trace_id: "later", started_at: "2026-11-20T10:02:00Z" });
  const latest = traceSummary({ trace_id: "latest", started_at: "2026-11-20T10:03:00Z" });
  const merged = mergeLive(list, [later, latest], true);
  expect(merged.pages[0]?.items.map(({ trace_id: id }) => id)).toEqual([
    "latest",
    "later",
    "known",
  ]);
  expect(merged.pages[0]?.total).toBe(3);
});

test("under another order new rollouts are counted but not mixed in", () => {
  const merged = mergeLive(list, [traceSummary({ trace_id: "new" })], false);
  expect(merged.pages[0]?.items).toHaveLength(1);
  expect(merged.pages[0]?.total).toBe(2);
});

test("a span that arrives is put at the end, one that is known is replaced", () => {
  const outline = {
    pages: [{ items: [spanOutline({ span_id: "a" })], offset: 0, total: 1 }],
    pageParams: [0],
  };
  const grown = upsertOutline(outline, spanOutline({ span_id: "b" }));
  expect(grown.index).toBe(1);
  expect(grown.data.pages[0]?.total).toBe(2);
  const changed = upsertOutline(grown.data, spanOutline({ span_id: "a", error: true }));
  expect(changed.index).toBe(0);
  expect(changed.data.pages[0]?.items.map(({ error }) => error)).toEqual([true, false]);
});

test("while the outline is still being read, what arrives waits for it", () => {
  const partial = {
    pages: [{ items: [spanOutline({ span_id: "a" })], offset: 0, total: 500 }],
    pageParams: [0],
  };
  expect(upsertOutline(partial, spanOutline({ span_id: "z" })).index).toBe(-1);
});
