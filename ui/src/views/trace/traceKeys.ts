/** The keys of a rollout, as the help lists them. */
export const TRACE_KEYS = [
  ["j / k", "next, previous item"],
  ["t / T", "next, previous tool call"],
  ["e / E", "next, previous error"],
  ["n / p", "next, previous rollout"],
  ["o", "open or fold the item"],
  ["f", "fold all, then open all, then as it was"],
  ["/", "search in this rollout"],
  ["y", "copy link to the item"],
  ["[ / ]", "spans, details"],
  ["g / G", "start, end"],
  ["Esc", "close search, then the rollout beside the list"],
  ["?", "this help"],
] as const;
