import { SegmentedControl } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import * as v from "valibot";
import { childIndex, visibleNodes } from "../../lib/tree";
import { useStored } from "../../state/stored";
import { useOpenTrace } from "./TraceContext";
import { TreeRow } from "./TreeRow";
import classes from "./TreePanel.module.css";

const ROW_HEIGHT = 24;
const rowHeight = () => ROW_HEIGHT;
const modeSchema = v.picklist(["tree", "timeline"]);

interface TreePanelProps {
  /** Place of the span that the transcript shows on top. */
  current: number | null;
  onOpen: (spanId: string) => void;
}

/** All spans as a tree, with durations or on a timeline. */
export function TreePanel({ current, onOpen }: TreePanelProps) {
  const { transcript, detail, selected } = useOpenTrace();
  const { spans, indexOfSpan } = transcript;
  const [mode, setMode] = useStored("tree-mode", modeSchema, "tree");
  const [folded, setFolded] = useState<ReadonlySet<number>>(new Set());
  const children = useMemo(() => childIndex(spans, indexOfSpan), [spans, indexOfSpan]);
  const nodes = useMemo(() => visibleNodes(children, folded), [children, folded]);
  const marked = (selected === null ? undefined : indexOfSpan.get(selected)) ?? current;
  const active = nodes.findIndex((node) => node.index === marked);
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: nodes.length,
    getScrollElement: () => scroller.current,
    estimateSize: rowHeight,
    overscan: 12,
  });

  // The tree follows the transcript; its scroll position belongs to the browser.
  useEffect(() => {
    if (active >= 0) virtualizer.scrollToIndex(active, { align: "auto" });
  }, [active, virtualizer]);

  const toggle = (index: number) => {
    const next = new Set(folded);
    if (!next.delete(index)) next.add(index);
    setFolded(next);
  };
  const open = (place: number) => {
    const span = spans[nodes[place]?.index ?? -1];
    if (span) onOpen(span.span_id);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const node = nodes[active];
    const move = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: nodes.length - 1 }[
      event.key
    ];
    if (move !== undefined) open(Math.max(0, Math.min(nodes.length - 1, move)));
    else if (event.key === "ArrowLeft" && node && !folded.has(node.index)) toggle(node.index);
    else if (event.key === "ArrowRight" && node && folded.has(node.index)) toggle(node.index);
    else return;
    event.preventDefault();
  };
  return (
    <div className={classes.panel}>
      <SegmentedControl
        size="xs"
        fullWidth
        value={mode}
        onChange={(value) => setMode(v.parse(modeSchema, value))}
        data={[
          { value: "tree", label: "Tree" },
          { value: "timeline", label: "Timeline" },
        ]}
        aria-label="how spans are listed"
      />
      <div
        ref={scroller}
        className={classes.scroller}
        role="tree"
        aria-label="spans"
        tabIndex={0}
        aria-activedescendant={active >= 0 ? `tree-${nodes[active]?.index}` : undefined}
        onKeyDown={onKeyDown}
      >
        <div
          style={{ height: virtualizer.getTotalSize(), position: "relative" }}
          role="presentation"
        >
          {virtualizer.getVirtualItems().map((item) => {
            const node = nodes[item.index];
            const span = node && spans[node.index];
            if (!span) return null;
            return (
              <TreeRow
                key={span.span_id}
                node={node}
                span={span}
                top={item.start}
                active={item.index === active}
                selected={span.span_id === selected}
                folded={folded.has(node.index)}
                timeline={mode === "timeline"}
                durationMs={detail.duration_ms}
                onToggle={() => toggle(node.index)}
                onOpen={() => open(item.index)}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}
