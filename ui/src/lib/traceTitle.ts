import type { TraceSummary } from "../api/types";

/** Name of the root span of a rollout that nobody named. */
const UNNAMED = "rollout";

/** The name that somebody gave, if any. */
export function givenName(trace: TraceSummary): string | null {
  return trace.name === UNNAMED ? null : trace.name;
}

/** What a rollout is called: its name, else how it began, else its id. */
export function traceTitle(trace: TraceSummary): string {
  return givenName(trace) ?? trace.first_message ?? trace.trace_id_text ?? trace.trace_id;
}
