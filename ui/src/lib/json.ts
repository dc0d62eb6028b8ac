/** Looking into values whose shape nobody promised. */
import { withoutImageUrls } from "./storedImage";

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

export function asNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Parses text that looks like a JSON object or array; anything else is null. */
export function parseStructure(text: string): JsonObject | unknown[] | null {
  const start = text.trimStart()[0];
  if (start !== "{" && start !== "[") return null;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) || isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** A value as text: strings as they are, everything else as indented JSON. */
export function toText(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

// eslint-disable-next-line no-control-regex -- escape sequences are what is looked for
const ESCAPES = /\u001b\[[0-9;]*[A-Za-z]/g;

/** A value on one line of at most `limit` characters. */
export function toLine(value: unknown, limit = 160): string {
  const structure = typeof value === "string" ? parseStructure(value) : value;
  const line = isObject(structure)
    ? entriesLine(structure, limit)
    : inline(structure ?? value, limit);
  return cut(withoutImageUrls(line), limit);
}

const SHORT_ENTRY = 60;

/** Where not all entries fit, the short ones come first: the path of an edit says more than the start of its text. */
function entriesLine(object: JsonObject, limit: number): string {
  const entries = Object.entries(object).map(([key, entry]) => `${key}: ${inline(entry, limit)}`);
  const whole = entries.join(", ");
  if (whole.length <= limit) return whole;
  const isShort = (entry: string) => entry.length <= SHORT_ENTRY;
  return [...entries.filter(isShort), ...entries.filter((entry) => !isShort(entry))].join(", ");
}

function inline(value: unknown, limit: number): string {
  if (value === undefined) return "";
  const text = typeof value === "string" ? value.slice(0, limit * 2) : JSON.stringify(value);
  return cut(text.replace(ESCAPES, "").replace(/\s+/g, " "), limit);
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
