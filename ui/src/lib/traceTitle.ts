import type { TraceSummary } from "../api/types";
import { withoutImageUrls } from "./storedImage";

/** Name of the root span of a rollout that nobody named. */
const UNNAMED = "rollout";

/** The name that somebody gave, if any. */
export function givenName(trace: TraceSummary): string | null {
  return trace.name === UNNAMED ? null : trace.name;
}

/** How it began, on a line of a list. */
export function firstMessage(trace: TraceSummary): string | null {
  return trace.first_message === null ? null : withoutImageUrls(trace.first_message);
}

/** What a rollout is called: its name, else how it began, else its id. */
export function traceTitle(trace: TraceSummary): string {
  return givenName(trace) ?? firstMessage(trace) ?? trace.trace_id_text ?? trace.trace_id;
}
