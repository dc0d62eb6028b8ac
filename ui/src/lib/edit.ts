/** Recognises the arguments of editing tools: a text and what takes its place. */
import { asText, isObject, parseStructure } from "./json";

export interface TextEdit {
  path: string;
  before: string;
  after: string;
}

const NAMES: readonly [string, string][] = [
  ["old_str", "new_str"],
  ["old_string", "new_string"],
  ["old_text", "new_text"],
  ["search", "replace"],
];

export function findEdit(value: unknown): TextEdit | null {
  const found = typeof value === "string" ? parseStructure(value) : value;
  if (!isObject(found)) return null;
  for (const [oldName, newName] of NAMES) {
    const before = asText(found[oldName]);
    const after = asText(found[newName]);
    if (before !== null && after !== null) {
      return { path: asText(found["path"]) ?? asText(found["file_path"]) ?? "", before, after };
    }
  }
  return null;
}
