/** Which viewer fits a text, and how long it is on screen. */
import { isObject, parseStructure, type JsonObject } from "./json";

export type ViewKind = "markdown" | "text" | "json" | "table" | "terminal" | "diff";

/** Texts longer than this are shown plainly: formatting them would block the page. */
export const FORMAT_LIMIT = 200_000;

// eslint-disable-next-line no-control-regex -- escape sequences are what is looked for
const ANSI = /\u001b\[[0-9;]*[A-Za-z]/;
const DIFF = /^(diff --git |--- \S.*\n\+\+\+ \S|@@ -\d+(,\d+)? \+\d+(,\d+)? @@)/m;
const MARKDOWN =
  /^(#{1,6} |[-*+] |\d+\. |> |```)|\*\*[^*\n]+\*\*|`[^`\n]+`|\[[^\]\n]+\]\([^)\n]+\)|^\|.+\|$/m;

export interface DetectedView {
  kind: ViewKind;
  /** The structure behind a `json` or `table` view. */
  structure?: JsonObject | unknown[];
}

/** The viewer for what a tool took or gave: structures as trees, output as a terminal. */
export function detectView(value: unknown): DetectedView {
  if (typeof value === "string") return detectTextView(value);
  if (Array.isArray(value) || isObject(value)) return structureView(value);
  return { kind: "text" };
}

function detectTextView(text: string): DetectedView {
  if (text.length <= FORMAT_LIMIT * 10) {
    const structure = parseStructure(text);
    if (structure) return structureView(structure);
  }
  const head = text.slice(0, 20_000);
  if (ANSI.test(head)) return { kind: "terminal" };
  if (DIFF.test(head)) return { kind: "diff" };
  if (text.length <= FORMAT_LIMIT && MARKDOWN.test(head)) return { kind: "markdown" };
  return { kind: "text" };
}

function structureView(structure: JsonObject | unknown[]): DetectedView {
  return { kind: tableColumns(structure) ? "table" : "json", structure };
}

/** Column names where a value is a list of at least two flat objects that share their keys. */
export function tableColumns(value: unknown): string[] | null {
  if (!Array.isArray(value) || value.length < 2) return null;
  const columns = new Set<string>();
  for (const row of value.slice(0, 50)) {
    if (!isObject(row)) return null;
    for (const [key, cell] of Object.entries(row)) {
      if (typeof cell === "object" && cell !== null) return null;
      columns.add(key);
    }
  }
  const first = isObject(value[0]) ? Object.keys(value[0]).length : 0;
  return columns.size > 0 && columns.size <= 12 && columns.size <= first * 2 ? [...columns] : null;
}

export const FOLD_LINES = 12;

/** Lines that a text takes at `width` characters; counting stops at `limit`. */
export function countLines(text: string, width = 90, limit = Number.POSITIVE_INFINITY): number {
  let lines = 0;
  let start = 0;
  while (start <= text.length && lines < limit) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    lines += Math.max(1, Math.ceil((end - start) / width));
    if (newline === -1) break;
    start = newline + 1;
  }
  return lines;
}

/** The beginning of a text, at least `lines` lines at `width` characters. */
export function headLines(text: string, lines: number, width = 90): string {
  let used = 0;
  let start = 0;
  while (used < lines) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    const taken = Math.max(1, Math.ceil((end - start) / width));
    if (used + taken > lines) return text.slice(0, start + (lines - used) * width);
    used += taken;
    if (newline === -1) return text;
    start = newline + 1;
  }
  return text.slice(0, start);
}

/** Lines of indented JSON, without building it; counting stops at `limit`. */
export function countJsonLines(value: unknown, limit = 10_000): number {
  if (typeof value !== "object" || value === null) return 1;
  let lines = 2;
  for (const entry of Object.values(value)) {
    lines += countJsonLines(entry, limit - lines);
    if (lines >= limit) return limit;
  }
  return lines;
}
