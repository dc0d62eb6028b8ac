import { describe, expect, test } from "vitest";
import {
  formatCost,
  formatCount,
  formatDuration,
  formatExactDuration,
  formatOffset,
  formatRelative,
  formatScore,
} from "./format";

describe("numbers for people", () => {
  test.each([
    [null, "–"],
    [0, "0 ms"],
    [0.1, "0.10 ms"],
    [850, "850 ms"],
    [4200, "4.2 s"],
    [9960, "10 s"],
    [185_000, "3m 05s"],
    [7_440_000, "2h 04m"],
  ])("a duration of %s ms is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test("an exact duration says milliseconds where that says more", () => {
    expect(formatExactDuration(375)).toBe("375 ms");
    expect(formatExactDuration(185_000)).toBe("3m 05s (185,000 ms)");
    expect(formatExactDuration(null)).toBeNull();
  });

  test.each([
    [999, "999"],
    [1234, "1.2k"],
    [45_000, "45k"],
    [999_700, "1.0M"],
    [3_400_000, "3.4M"],
  ])("%s is %s", (value, text) => {
    expect(formatCount(value)).toBe(text);
  });

  test("costs keep the digits that matter", () => {
    expect(formatCost(1.25)).toBe("$1.25");
    expect(formatCost(0.0042)).toBe("$0.0042");
    expect(formatCost(0.000001)).toBe("<$0.0001");
    expect(formatCost(null)).toBe("–");
  });

  test("offsets are clocks from a minute on", () => {
    expect(formatOffset(4200)).toBe("4.2s");
    expect(formatOffset(185_000)).toBe("3:05");
    expect(formatOffset(7_440_000)).toBe("2:04:00");
  });

  test("times are relative for a week", () => {
    const now = Date.parse("2026-11-20T10:00:00Z");
    expect(formatRelative("2026-11-20T09:59:57Z", now)).toBe("just now");
    expect(formatRelative("2026-11-20T09:20:00Z", now)).toBe("40 min ago");
    expect(formatRelative("2026-11-17T10:00:00Z", now)).toBe("3 d ago");
    // Dates are those of the reader's time zone, whichever it is.
    expect(formatRelative("2026-11-01T12:00:00", now)).toBe("1 Nov");
  });

  test("scores have two digits", () => {
    expect(formatScore(0.456)).toBe("0.46");
    expect(formatScore(null)).toBe("–");
  });
});
