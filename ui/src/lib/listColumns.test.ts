import { expect, test } from "vitest";
import {
  DEFAULT_CHOICE,
  offerColumns,
  placeColumns,
  toggleColumn,
  type ColumnId,
} from "./listColumns";

const idsOf = (columns: readonly { id: ColumnId }[]) => columns.map(({ id }) => id);

test("a wide list shows what was chosen, however wide that is", () => {
  const chosen = { ...DEFAULT_CHOICE, shown: [...DEFAULT_CHOICE.shown, "project" as const] };
  expect(idsOf(placeColumns(chosen, 500, false))).toContain("project");
  expect(placeColumns(chosen, 500, false)).toHaveLength(chosen.shown.length);
});

test("while nobody chose, a list of middling width leaves out what matters least", () => {
  expect(idsOf(placeColumns(DEFAULT_CHOICE, 1600, false))).toEqual(DEFAULT_CHOICE.shown);
  const columns = placeColumns(DEFAULT_CHOICE, 1000, false);
  const besideName = columns.filter(({ id }) => id !== "name");
  expect(besideName.reduce((sum, { width }) => sum + width, 0)).toBeLessThanOrEqual(800);
  expect(idsOf(columns)).toContain("started");
  expect(idsOf(columns)).not.toContain("tags");
});

test("the first change starts from what is on screen", () => {
  const seen = idsOf(placeColumns(DEFAULT_CHOICE, 1000, false));
  const changed = toggleColumn(DEFAULT_CHOICE, "tags", 1000, false);
  expect(new Set(changed.shown)).toEqual(new Set([...seen, "tags"]));
  expect(new Set(toggleColumn(changed, "tags", 1000, false).shown)).toEqual(new Set(seen));
});

test("a narrow list offers only what it has room for, and keeps what was chosen for a wide one", () => {
  const offers = new Map(offerColumns(DEFAULT_CHOICE, 400, true).map((o) => [o.column.id, o]));
  expect(offers.get("score")).toMatchObject({ shown: true, hasRoom: true });
  expect(offers.get("tags")).toMatchObject({ shown: false, hasRoom: false });
  const changed = toggleColumn(DEFAULT_CHOICE, "score", 400, true);
  expect(changed.shown).toEqual(DEFAULT_CHOICE.shown.filter((id) => id !== "score"));
  const after = new Map(offerColumns(changed, 400, true).map((o) => [o.column.id, o]));
  expect(after.get("turns")).toMatchObject({ shown: true, hasRoom: true });
});

test("a narrow list shows what matters most and fits", () => {
  const columns = placeColumns(DEFAULT_CHOICE, 400, true);
  expect(columns.map(({ id }) => id)).toEqual(["status", "score", "name", "started"]);
  expect(columns[0]?.compact).toBe(true);
});

test("widths that were chosen are kept", () => {
  const choice = { ...DEFAULT_CHOICE, widths: { model: 222 } };
  expect(placeColumns(choice, 2000, false).find(({ id }) => id === "model")?.width).toBe(222);
});
