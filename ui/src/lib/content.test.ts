import { describe, expect, test } from "vitest";
import { countJsonLines, countLines, detectView, headLines, tableColumns } from "./content";
import { findEdit } from "./edit";

describe("the viewer for a value", () => {
  test.each([
    ["plain words", "text"],
    ['{"a": 1}', "json"],
    ['[{"a":1,"b":2},{"a":3,"b":4}]', "table"],
    ["\u001b[31mred\u001b[0m", "terminal"],
    ["--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n+b", "diff"],
    ["# Title\n\nwords", "markdown"],
    ['{"broken": ', "text"],
  ])("%j is %s", (value, kind) => {
    expect(detectView(value).kind).toBe(kind);
  });

  test("a table needs flat rows", () => {
    expect(tableColumns([{ a: 1 }, { a: { deep: 1 } }])).toBeNull();
    expect(tableColumns([{ a: 1 }])).toBeNull();
    expect(tableColumns([{ a: 1 }, { a: 2, b: null }])).toEqual(["a", "b"]);
  });

  test("the arguments of an editing tool are an edit", () => {
    expect(findEdit('{"path":"f","old_str":"a","new_str":"b"}')).toEqual({
      path: "f",
      before: "a",
      after: "b",
    });
    expect(findEdit({ command: "ls" })).toBeNull();
  });
});

describe("lines", () => {
  test("long lines count as often as they wrap", () => {
    expect(countLines("a\nb\n")).toBe(3);
    expect(countLines("x".repeat(181), 90)).toBe(3);
    expect(countLines("")).toBe(1);
  });

  test("the head of a text has as many lines as asked for", () => {
    const text = Array.from({ length: 50 }, (_, line) => `line ${line}`).join("\n");
    expect(headLines(text, 3)).toBe("line 0\nline 1\nline 2\n");
    expect(headLines("x".repeat(1000), 2, 90)).toHaveLength(180);
    expect(headLines("short", 5)).toBe("short");
  });

  test("JSON is counted as it would be indented", () => {
    const value = { a: 1, b: [1, 2], c: {} };
    expect(countJsonLines(value)).toBe(JSON.stringify(value, null, 2).split("\n").length + 1);
    expect(countJsonLines(Array(100_000).fill(1), 50)).toBe(50);
  });
});
