/** Colours of items. */
export type Edge = "system" | "user" | "assistant" | "tool" | "grade" | "event" | "error";

export function roleEdge(role: string): Edge {
  switch (role) {
    case "user":
    case "assistant":
    case "tool":
      return role;
    default:
      return "system";
  }
}
