import { expect, test } from "vitest";
import { spanOutline } from "../test/factories";
import { spanLabel, spanRole } from "./spanLook";

test("a span is called what tells it apart from its neighbours", () => {
  expect(spanLabel(spanOutline({ span_name: "message.user" }))).toBe("user");
  expect(spanLabel(spanOutline({ span_name: "tool.read_file" }))).toBe("read_file");
  const criterion = { item_type: "criterion", span_name: "grader.criterion" };
  expect(spanLabel(spanOutline({ ...criterion, name: "polite" }))).toBe("polite");
  expect(spanLabel(spanOutline(criterion))).toBe("criterion");
});

test("what failed keeps its role", () => {
  expect(spanRole(spanOutline({ item_type: "tool", span_kind: "tool", error: true }))).toBe("tool");
});
