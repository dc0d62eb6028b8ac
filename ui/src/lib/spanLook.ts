/** How a span is named and coloured wherever it is small: tree, timeline, minimap. */
import type { SpanOutline } from "../api/types";

export type LookKind = "system" | "user" | "assistant" | "tool" | "grade" | "event" | "error";

export function spanColor(span: SpanOutline): LookKind {
  return span.error ? "error" : spanRole(span);
}

/** What a span is, however it went. */
export function spanRole(span: SpanOutline): Exclude<LookKind, "error"> {
  if (span.span_kind.startsWith("grader")) return "grade";
  switch (span.item_type) {
    case "tool":
      return "tool";
    case "grade":
    case "criterion":
      return "grade";
    case "model_call":
      return "assistant";
    case "message":
      return messageColor(span.role);
    default:
      return "event";
  }
}

function messageColor(role: string | null): Exclude<LookKind, "error"> {
  switch (role) {
    case "user":
    case "assistant":
    case "tool":
      return role;
    default:
      return "system";
  }
}

/** `user`, `read_file`, `rubric`, a criterion's name: without the prefix that repeats the kind. */
export function spanLabel(span: SpanOutline): string {
  return (
    (span.name ??
      span.span_name.replace(/^(message\.|tool\.|event\.|execute_tool |grader\.)/, "")) ||
    span.item_type
  );
}
