import { expect, test } from "vitest";
import { ExpansionStore } from "./expansion";

test("folding all, opening all and going back holds for what nobody chose", () => {
  const store = new ExpansionStore();
  expect(store.isOpen("a/content", true)).toBe(true);
  store.cycle();
  expect(store.isOpen("a/content", true)).toBe(false);
  store.cycle();
  expect(store.isOpen("a/content", false)).toBe(true);
  store.cycle();
  expect(store.isOpen("a/content", false)).toBe(false);
});

test("a choice wins until its item is opened for a match inside", () => {
  const store = new ExpansionStore();
  store.set("a/tool", false);
  expect(store.isOpen("a/tool", true)).toBe(false);
  store.openItem("a");
  expect(store.isOpen("a/tool", false)).toBe(true);
  expect(store.isOpen("b/tool", false)).toBe(false);
});
