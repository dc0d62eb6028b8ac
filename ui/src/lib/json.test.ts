import { expect, test } from "vitest";
import { parseStructure, toLine, toText } from "./json";

test("arguments become one line of names and values", () => {
  expect(toLine('{"path":"a.py","lines":[1,2]}')).toBe("path: a.py, lines: [1,2]");
  expect(toLine({ user: null })).toBe("user: null");
  expect(toLine(undefined)).toBe("");
});

test("line breaks and terminal colours have no place on one line", () => {
  expect(toLine("a\n\u001b[31m b\u001b[0m")).toBe("a b");
});

test("a line is cut where there is no more room", () => {
  expect(toLine("x".repeat(50), 10)).toBe(`${"x".repeat(9)}…`);
});

test("only objects and lists are structures", () => {
  expect(parseStructure('{"a":1}')).toEqual({ a: 1 });
  expect(parseStructure("12")).toBeNull();
  expect(parseStructure("{not json")).toBeNull();
});

test("text stays as it is", () => {
  expect(toText("a")).toBe("a");
  expect(toText({ a: 1 })).toBe('{\n  "a": 1\n}');
});

test("where not all arguments fit on the line, short ones come first", () => {
  const long = "x".repeat(300);
  expect(toLine({ new_string: long, path: "parse.py" })).toMatch(/^path: parse\.py, new_string: x/);
  expect(toLine({ new_string: "x", path: "parse.py" })).toBe("new_string: x, path: parse.py");
});
