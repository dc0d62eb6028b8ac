import { expect, test } from "vitest";
import { DEFAULT_CHOICE, placeColumns } from "./listColumns";

test("a wide list shows what was chosen, however wide that is", () => {
  const columns = placeColumns(DEFAULT_CHOICE, 500, false);
  expect(columns.map(({ id }) => id)).toEqual(DEFAULT_CHOICE.shown);
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
