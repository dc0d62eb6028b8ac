import { expect, test } from "vitest";
import { parseCriteria } from "./criteria";

test("criteria keep what they say beyond the known columns", () => {
  expect(
    parseCriteria([{ type: "tests", passed: true, score: 1, weight: 2, reason: "ok", runs: 3 }]),
  ).toEqual([{ type: "tests", passed: true, score: 1, weight: 2, reason: "ok · runs: 3" }]);
});

test("criteria without names are numbered and what is no list is none", () => {
  expect(parseCriteria('[{"score": 0}]')[0]?.type).toBe("criterion 1");
  expect(parseCriteria({ score: 1 })).toEqual([]);
});
