import { IconAlertTriangleFilled, IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import type { SpanOutline } from "../../api/types";
import { formatDuration, formatOffset, formatScore } from "../../lib/format";
import { spanColor, spanLabel } from "../../lib/spanLook";
import type { TreeNode } from "../../lib/tree";
import classes from "./TreePanel.module.css";

interface TreeRowProps {
  node: TreeNode;
  span: SpanOutline;
  top: number;
  /** True for the span that the keys start from. */
  active: boolean;
  selected: boolean;
  folded: boolean;
  timeline: boolean;
  durationMs: number;
  onToggle: () => void;
  onOpen: () => void;
}

export function TreeRow(props: TreeRowProps) {
  const { node, span, active, selected, folded, timeline } = props;
  const Chevron = folded ? IconChevronRight : IconChevronDown;
  return (
    // The tree as a whole has the focus and the keys.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
    <div
      id={`tree-${node.index}`}
      role="treeitem"
      aria-level={node.depth + 1}
      aria-selected={selected}
      data-active={active || undefined}
      aria-expanded={node.childCount > 0 ? !folded : undefined}
      className={classes.row}
      style={{
        transform: `translateY(${props.top}px)`,
        "--edge": `var(--role-${spanColor(span)})`,
      }}
      title={`${span.span_name} at ${formatOffset(span.start_offset_ms)}`}
      onClick={props.onOpen}
    >
      <span className={classes.name} style={{ paddingLeft: Math.min(node.depth, 12) * 12 }}>
        {node.childCount > 0 ? (
          <Chevron
            size={12}
            className={classes.chevron}
            onClick={(event) => {
              event.stopPropagation();
              props.onToggle();
            }}
          />
        ) : (
          <span className={classes.chevron} />
        )}
        <span className={classes.dot} />
        <span className={classes.text}>{spanLabel(span)}</span>
        {span.error && (
          <IconAlertTriangleFilled size={11} className={classes.error} aria-label="error" />
        )}
        {span.score !== null && <span className={classes.score}>{formatScore(span.score)}</span>}
      </span>
      {timeline ? (
        <Bar span={span} durationMs={props.durationMs} />
      ) : (
        <span className={classes.duration}>
          {span.duration_ms ? formatDuration(span.duration_ms) : ""}
        </span>
      )}
    </div>
  );
}

function Bar({ span, durationMs }: { span: SpanOutline; durationMs: number }) {
  const whole = Math.max(durationMs, 1);
  const left = clamp(span.start_offset_ms / whole);
  const width = Math.min(1 - left, clamp((span.duration_ms ?? 0) / whole));
  return (
    <span className={classes.track} title={formatDuration(span.duration_ms)}>
      <span className={classes.bar} style={{ left: `${left * 100}%`, width: `${width * 100}%` }} />
    </span>
  );
}

function clamp(share: number): number {
  return Math.max(0, Math.min(1, share));
}
