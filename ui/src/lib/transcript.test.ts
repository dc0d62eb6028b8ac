import { describe, expect, test } from "vitest";
import type { SpanOutline } from "../api/types";
import { spanOutline } from "../test/factories";
import { buildTranscript, findExecution } from "./transcript";

function spans(...list: Partial<SpanOutline>[]): SpanOutline[] {
  return list.map((over, index) => spanOutline({ span_id: `s${index}`, ...over }));
}

const root = { item_type: "rollout", role: null } as const;
const assistant = { role: "assistant" } as const;
const grader = { role: "assistant", span_kind: "grader.judge" } as const;
const grade = { item_type: "grade", span_kind: "grader", role: null } as const;

function tool(callId: string, over: Partial<SpanOutline> = {}): Partial<SpanOutline> {
  return { item_type: "tool", role: null, call_id: callId, ...over };
}

describe("rows of a transcript", () => {
  test("the first root is not shown, later ones are segments", () => {
    const { rows } = buildTranscript(spans(root, {}, root, {}));
    expect(rows.map((row) => row.kind)).toEqual(["message", "segment", "message"]);
  });

  test("an execution and the tool-role message that reports it are one row", () => {
    const { rows, rowOfIndex } = buildTranscript(
      spans(assistant, tool("c1"), { role: "tool", call_id: "c1" }),
    );
    expect(rows).toHaveLength(2);
    expect(rows[1]?.absorbed).toEqual([2]);
    expect(rowOfIndex[2]).toBe(1);
  });

  test("a call id used again is another execution", () => {
    const transcript = buildTranscript(spans(assistant, tool("c1"), assistant, tool("c1")));
    expect(transcript.rows).toHaveLength(4);
    expect(findExecution(transcript, "c1", 0)).toBe(1);
    expect(findExecution(transcript, "c1", 2)).toBe(3);
    expect(findExecution(transcript, "other", 0)).toBeNull();
  });

  test("a grade takes in its grader's messages and its criteria", () => {
    const { rows } = buildTranscript(
      spans(assistant, grader, grader, grade, {
        item_type: "criterion",
        parent_span_id: "s3",
        role: null,
      }),
    );
    expect(rows.map((row) => row.kind)).toEqual(["message", "grade"]);
    expect(rows[1]?.absorbed).toEqual([1, 2, 4]);
  });

  test("messages of a grader after its last grade belong to that grade", () => {
    const { rows } = buildTranscript(spans(grade, grader));
    expect(rows[0]?.absorbed).toEqual([1]);
  });

  test("messages of a grader without any grade keep their place", () => {
    const { rows, rowOfIndex } = buildTranscript(spans(assistant, grader, assistant));
    expect(rows.map((row) => row.index)).toEqual([0, 1, 2]);
    expect([...rowOfIndex]).toEqual([0, 1, 2]);
  });

  test("what is inside groups is indented", () => {
    const { rows } = buildTranscript(
      spans(
        root,
        { item_type: "group", role: null, parent_span_id: "s0" },
        { parent_span_id: "s1" },
        { parent_span_id: "s0" },
      ),
    );
    expect(rows.map((row) => row.depth)).toEqual([0, 1, 0]);
  });

  test("parents that form a circle do no harm", () => {
    const { rows } = buildTranscript(spans({ parent_span_id: "s1" }, { parent_span_id: "s0" }));
    expect(rows).toHaveLength(2);
  });
});

describe("turns", () => {
  test("only the first row of a turn opens it", () => {
    const { rows } = buildTranscript(
      spans({}, { ...assistant }, tool("c"), { turn_index: 1 }, { ...assistant, turn_index: 1 }),
    );
    expect(rows.map((row) => [row.turn, row.opensTurn])).toEqual([
      [0, true],
      [0, false],
      [0, false],
      [1, true],
      [1, false],
    ]);
  });

  test("a segment of another process is numbered on", () => {
    const { rows } = buildTranscript(
      spans(
        root,
        { parent_span_id: "s0" },
        { ...assistant, parent_span_id: "s0" },
        root,
        { parent_span_id: "s3" },
        { ...assistant, parent_span_id: "s3" },
      ),
    );
    expect(rows.map((row) => row.turn)).toEqual([0, 0, null, 1, 1]);
  });

  test("a segment of the same process goes on by itself", () => {
    const { rows } = buildTranscript(
      spans(root, { parent_span_id: "s0" }, { ...assistant, parent_span_id: "s0" }, root, {
        parent_span_id: "s3",
        turn_index: 1,
      }),
    );
    expect(rows.map((row) => row.turn)).toEqual([0, 0, null, 1]);
  });

  test("grades and events belong to no turn", () => {
    const { rows } = buildTranscript(spans({}, grade, { item_type: "event", role: null }));
    expect(rows.map((row) => row.turn)).toEqual([0, null, null]);
  });
});
