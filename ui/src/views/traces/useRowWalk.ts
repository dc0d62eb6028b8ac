import { useCallbackRef } from "@mantine/hooks";
import { useEffect, useRef, type RefObject } from "react";
import type { TraceSummary } from "../../api/types";
import { useKeys } from "../../components/useKeys";

interface RowWalk {
  scroller: RefObject<HTMLDivElement | null>;
  traces: TraceSummary[];
  /** The rollout that is open beside the list. */
  open: string | null;
  rowHeight: number;
  scrollToRow: (row: number) => void;
  onOpen: (traceId: string) => void;
}

/** Arrow keys, `j` and `k` go from row to row; while a rollout is open, arrows open its neighbour instead. */
export function useRowWalk({ scroller, traces, open, rowHeight, scrollToRow, onOpen }: RowWalk) {
  const opened = open === null ? -1 : traces.findIndex((trace) => trace.trace_id === open);
  const focusRow = useCallbackRef((row: number) => {
    scrollToRow(row);
    requestAnimationFrame(() => linkOf(scroller.current, row)?.focus({ preventScroll: true }));
  });

  const walk = (by: 1 | -1) => {
    if (traces.length === 0) return;
    const from = opened >= 0 ? opened : focusedRow();
    const first = Math.ceil((scroller.current?.scrollTop ?? 0) / rowHeight);
    const row = Math.max(0, Math.min(traces.length - 1, from === null ? first : from + by));
    const next = traces[row];
    if (!next) return;
    if (open === null) focusRow(row);
    else onOpen(next.trace_id);
  };
  // What is read beside the list has the letters, and the arrows while it has the focus.
  const isFree = () => {
    const focus = document.activeElement;
    return open === null || focus === document.body || scroller.current?.contains(focus);
  };
  useKeys({
    ArrowDown: () => isFree() && walk(1),
    ArrowUp: () => isFree() && walk(-1),
    j: () => open === null && walk(1),
    k: () => open === null && walk(-1),
  });

  // Whoever closes a rollout goes on from its row.
  const before = useRef(opened);
  useEffect(() => {
    const left = before.current;
    before.current = opened;
    const lost = document.activeElement === document.body;
    const inList = scroller.current?.contains(document.activeElement) ?? false;
    if (open === null && left >= 0 && (lost || inList)) focusRow(left);
  }, [open, opened, focusRow, scroller]);
}

function focusedRow(): number | null {
  const row = document.activeElement?.closest("[data-row]")?.getAttribute("data-row");
  return row ? Number(row) : null;
}

function linkOf(scroller: HTMLElement | null, row: number): HTMLElement | null {
  return scroller?.querySelector<HTMLElement>(`[data-row="${row}"] a`) ?? null;
}
