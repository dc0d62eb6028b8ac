/** The results of single criteria as a grade carries them. */
import { asNumber, asText, isObject, parseStructure, toLine, type JsonObject } from "./json";

export interface Criterion {
  type: string;
  passed: boolean | null;
  score: number | null;
  weight: number | null;
  reason: string;
}

const KNOWN = new Set(["type", "name", "passed", "score", "weight", "reason", "reasoning"]);

export function parseCriteria(value: unknown): Criterion[] {
  const list = typeof value === "string" ? parseStructure(value) : value;
  return Array.isArray(list) ? list.filter(isObject).map(toCriterion) : [];
}

function toCriterion(entry: JsonObject, place: number): Criterion {
  const reason = asText(entry["reason"]) ?? asText(entry["reasoning"]);
  const rest = Object.entries(entry).filter(([key]) => !KNOWN.has(key));
  return {
    type: asText(entry["type"]) ?? asText(entry["name"]) ?? `criterion ${place + 1}`,
    passed: typeof entry["passed"] === "boolean" ? entry["passed"] : null,
    score: asNumber(entry["score"]),
    weight: asNumber(entry["weight"]),
    reason: [reason, rest.length > 0 ? toLine(Object.fromEntries(rest), 600) : null]
      .filter((text) => text !== null)
      .join(" · "),
  };
}
