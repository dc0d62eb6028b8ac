import { describe, expect, test } from "vitest";
import { activeFields, suggest, withoutValue, withValue } from "./filters";

const facets = [
  {
    field: "status",
    values: [
      { value: "COMPLETED", count: 188 },
      { value: "ERROR", count: 3 },
    ],
  },
  { field: "model", values: [{ value: "gpt-4o", count: 200 }] },
  { field: "tags", values: [{ value: "baseline", count: 9 }] },
];

describe("filters", () => {
  test("values of a repeatable field add up, others replace", () => {
    expect(withValue({ model: ["a"] }, "model", "b")).toEqual({ model: ["a", "b"] });
    expect(withValue({ q: "a" }, "q", "b")).toEqual({ q: "b" });
  });

  test("the last value takes its field along", () => {
    expect(withoutValue({ model: ["a", "b"] }, "model", "a")).toEqual({ model: ["b"] });
    expect(withoutValue({ model: ["b"], q: "x" }, "model", "b")).toEqual({ q: "x" });
  });

  test("fields that narrow the list are listed in the order of the bar", () => {
    expect(activeFields({ q: "x", model: ["a"], status: ["ERROR"] })).toEqual([
      "status",
      "model",
      "q",
    ]);
  });
});

describe("suggestions", () => {
  test("an empty box offers the fields", () => {
    const suggestions = suggest("", facets, {});
    expect(suggestions.every(({ kind }) => kind === "field")).toBe(true);
  });

  test("a word offers text search, values that hold it, and fields", () => {
    expect(suggest("gpt", facets, {})).toEqual([
      { kind: "value", field: "q", value: "gpt", count: null },
      { kind: "value", field: "model", value: "gpt-4o", count: 200 },
    ]);
    expect(suggest("stat", facets, {})).toContainEqual({ kind: "field", field: "status" });
  });

  test("a named field offers its values with counts, and what was typed", () => {
    expect(suggest("status:err", facets, {})).toEqual([
      { kind: "value", field: "status", value: "ERROR", count: 3 },
      { kind: "value", field: "status", value: "err", count: null },
    ]);
  });

  test("values that are chosen already are not offered", () => {
    expect(suggest("status:", facets, { status: ["ERROR"] })).toEqual([
      { kind: "value", field: "status", value: "COMPLETED", count: 188 },
    ]);
  });

  test("a number field takes numbers only", () => {
    expect(suggest("score at least:0.5", facets, {})).toEqual([
      { kind: "value", field: "min_score", value: "0.5", count: null },
    ]);
    expect(suggest("score at least:high", facets, {})).toEqual([]);
  });
});
