import { expect, test } from "vitest";
import { statusLook } from "./status";

test("a rollout that nobody ended is running, lost or pending", () => {
  expect(statusLook("PENDING", "running").label).toBe("Running");
  expect(statusLook("PENDING", "lost").label).toBe("Lost");
  expect(statusLook("PENDING", "ended").label).toBe("Pending");
});

test("a status in another system's words is shown in those words", () => {
  expect(statusLook("PENDING", "ended", "needs_review").label).toBe("needs_review");
  expect(statusLook("PENDING", "running", "needs_review").label).toBe("Running");
});
