import { useCallback, useEffect, useMemo, useRef, type RefObject } from "react";
import type { Transcript, TranscriptRow } from "../../lib/transcript";
import type { TranscriptHandle } from "./Transcript";

/** Going from item to item, and keeping the marked one in view. */
export function useItemNavigation(
  transcript: Transcript,
  selected: string | null,
  onSelect: (spanId: string) => void,
  handle: RefObject<TranscriptHandle | null>,
) {
  const shown = useRef<string | null>(null);
  const rowOf = useCallback(
    (spanId: string) => transcript.rowOfIndex[transcript.indexOfSpan.get(spanId) ?? -1] ?? -1,
    [transcript],
  );

  // The marked item is brought into view once, wherever the mark came from: address, key, tree, search.
  useEffect(() => {
    if (selected === null || shown.current === selected) return;
    const row = rowOf(selected);
    if (row < 0) return;
    shown.current = selected;
    handle.current?.show(row);
  }, [selected, rowOf, handle]);

  const select = useCallback(
    (spanId: string, scroll: boolean) => {
      shown.current = scroll ? null : spanId;
      onSelect(spanId);
      const row = scroll && spanId === selected ? rowOf(spanId) : -1;
      if (row >= 0) handle.current?.show(row);
    },
    [onSelect, selected, rowOf, handle],
  );

  /** Says whether there was such an item. */
  const step = useCallback(
    (by: 1 | -1, wanted: (row: TranscriptRow) => boolean = () => true) => {
      const { rows } = transcript;
      const marked = selected === null ? -1 : rowOf(selected);
      let at = marked >= 0 ? marked + by : (handle.current?.topRow() ?? 0);
      while (at >= 0 && at < rows.length) {
        const row = rows[at];
        if (row && wanted(row)) {
          select(row.span.span_id, true);
          return true;
        }
        at += by;
      }
      return false;
    },
    [transcript, selected, rowOf, handle, select],
  );

  const end = useCallback(
    (last: boolean) => {
      const row = last ? transcript.rows.at(-1) : transcript.rows[0];
      if (row) select(row.span.span_id, true);
    },
    [transcript, select],
  );
  /** Goes to what stands after the last item. */
  const toFooter = useCallback(
    () => handle.current?.show(transcript.rows.length),
    [transcript, handle],
  );
  return useMemo(() => ({ select, step, end, toFooter }), [select, step, end, toFooter]);
}
