import { useCallbackRef } from "@mantine/hooks";
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  useCallback,
  useImperativeHandle,
  useMemo,
  useRef,
  useState,
  type ReactNode,
  type Ref,
} from "react";
import { Minimap } from "./Minimap";
import { estimateHeight } from "./rowHeights";
import classes from "./Transcript.module.css";
import { TranscriptItem } from "./TranscriptItem";
import { useOpenTrace } from "./TraceContext";
import { usePinnedRow } from "./usePinnedRow";
import { useHighlights } from "./useHighlights";

const MINIMAP_FROM = 60;
const NEAR_END = 80;

export interface TranscriptHandle {
  /** Brings a row to the top of the view; the place after the last row is that of the footer. */
  show: (row: number) => void;
  /** The row at the top of the view. */
  topRow: () => number;
}

interface TranscriptProps {
  handle: Ref<TranscriptHandle>;
  running: boolean;
  find: string;
  /** What follows the last row. */
  footer: ReactNode;
  /** Tells which row is at the top. */
  onTopRow: (row: number) => void;
}

/** The rollout as a column of items, of which only those in view exist. */
export function Transcript({ handle, running, find, footer, onTopRow }: TranscriptProps) {
  const { transcript, selected } = useOpenTrace();
  const { rows } = transcript;
  const scroller = useRef<HTMLDivElement>(null);
  const [column, setColumn] = useState<HTMLDivElement | null>(null);
  // The same functions as long as the rows are the same: others would lay out all rows again on every frame.
  const heights = useMemo(() => rows.map((row) => estimateHeight(row)), [rows]);
  const estimateSize = useCallback((row: number) => heights[row] ?? 0, [heights]);
  const getItemKey = useCallback((row: number) => rows[row]?.index ?? -1, [rows]);
  const virtualizer = useVirtualizer<HTMLDivElement, HTMLDivElement>({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize,
    getItemKey,
    overscan: 8,
    anchorTo: running ? "end" : "start",
    followOnAppend: running,
    scrollEndThreshold: NEAR_END,
    onChange: (instance) => onTopRow(instance.range?.startIndex ?? 0),
  });
  const total = virtualizer.getTotalSize();
  const scrollTo = useCallbackRef((row: number) => {
    if (row < rows.length) virtualizer.scrollToIndex(row, { align: "start" });
    else scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  });
  const pin = usePinnedRow(scroller, total, scrollTo);
  useImperativeHandle(
    handle,
    () => ({
      show: (row) => {
        pin(row);
        scrollTo(row);
      },
      topRow: () => virtualizer.getVirtualItemForOffset(virtualizer.scrollOffset ?? 0)?.index ?? 0,
    }),
    [virtualizer, pin, scrollTo],
  );
  useHighlights(column, find, selected);

  return (
    <div className={classes.transcript}>
      <div
        ref={scroller}
        className={classes.scroller}
        tabIndex={0}
        role="region"
        aria-label="transcript"
      >
        <div ref={setColumn} className={classes.column} style={{ height: total }}>
          {virtualizer.getVirtualItems().map((item) => {
            const row = rows[item.index];
            return (
              row && (
                <div
                  key={item.key}
                  ref={virtualizer.measureElement}
                  data-index={item.index}
                  className={classes.row}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <TranscriptItem row={row} />
                </div>
              )
            );
          })}
        </div>
        {footer}
      </div>
      {rows.length >= MINIMAP_FROM && (
        <Minimap
          rows={rows}
          heights={heights}
          first={virtualizer.range?.startIndex ?? 0}
          last={virtualizer.range?.endIndex ?? 0}
          onSeek={(row) => virtualizer.scrollToIndex(row, { align: "center" })}
        />
      )}
    </div>
  );
}
