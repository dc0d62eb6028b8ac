/** The span tree beside the transcript: a flat list of visible nodes. */
import type { SpanOutline } from "../api/types";

export interface TreeNode {
  index: number;
  depth: number;
  childCount: number;
}

/** Children of every span in the order they were logged; roots under -1. */
export type ChildIndex = ReadonlyMap<number, readonly number[]>;

export function childIndex(
  spans: readonly SpanOutline[],
  indexOfSpan: ReadonlyMap<string, number>,
): ChildIndex {
  const children = new Map<number, number[]>();
  spans.forEach((span, index) => {
    const found = span.parent_span_id === null ? undefined : indexOfSpan.get(span.parent_span_id);
    const parent = found === undefined || found === index ? -1 : found;
    const list = children.get(parent);
    if (list) list.push(index);
    else children.set(parent, [index]);
  });
  return children;
}

/** The nodes to list when everything but `folded` is open. */
export function visibleNodes(children: ChildIndex, folded: ReadonlySet<number>): TreeNode[] {
  const nodes: TreeNode[] = [];
  const stack: { index: number; depth: number }[] = [];
  const pushAll = (parent: number, depth: number) => {
    const list = children.get(parent) ?? [];
    for (let at = list.length - 1; at >= 0; at -= 1) {
      const index = list[at];
      if (index !== undefined) stack.push({ index, depth });
    }
  };
  pushAll(-1, 0);
  for (let next = stack.pop(); next; next = stack.pop()) {
    const childCount = children.get(next.index)?.length ?? 0;
    nodes.push({ ...next, childCount });
    if (childCount > 0 && !folded.has(next.index)) pushAll(next.index, next.depth + 1);
  }
  return nodes;
}
