/** The keys of the list, as the help lists them. */
export const LIST_KEYS = [
  ["↓ / ↑, j / k", "next, previous rollout"],
  ["Enter", "open it beside the list"],
  ["Ctrl Enter", "open it in a new tab"],
  ["Esc", "close it again"],
  ["/", "filter, or search in text"],
  ["?", "this help; beside an open rollout, its own keys"],
] as const;
