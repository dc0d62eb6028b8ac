import { describe, expect, test } from "vitest";
import { apiUrls, formatQuery, parseFilters, parseListSearch, parseQuery } from "./urls";

describe("query strings", () => {
  test("repeated keys become lists and go back to repeated keys", () => {
    const query = "?model=a&model=b&q=two+words";
    expect(parseQuery(query)).toEqual({ model: ["a", "b"], q: "two words" });
    expect(formatQuery(parseQuery(query))).toBe(query);
  });

  test("values that look like JSON stay text", () => {
    expect(parseQuery("?datapoint_id=12&q=true")).toEqual({ datapoint_id: "12", q: "true" });
  });

  test("filters keep what is known, once, and drop the rest", () => {
    expect(parseFilters({ model: ["a", "a", ""], min_score: "0.5", color: "red" })).toEqual({
      model: ["a"],
      min_score: "0.5",
    });
  });

  test("the open rollout is state of the list", () => {
    expect(parseListSearch(parseQuery("?open=x&item=y&status=ERROR"))).toEqual({
      open: "x",
      item: "y",
      status: ["ERROR"],
    });
  });

  test("ids are escaped in addresses of the API", () => {
    expect(apiUrls.trace("a/b?c")).toBe("/api/v1/traces/a%2Fb%3Fc");
  });
});
