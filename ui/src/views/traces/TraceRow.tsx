import { Link } from "@tanstack/react-router";
import { memo, type MouseEvent } from "react";
import type { TraceSummary } from "../../api/types";
import { Moment } from "../../components/Moment";
import { ScoreBar } from "../../components/ScoreBar";
import { StatusBadge } from "../../components/StatusBadge";
import type { PlacedColumn } from "../../lib/listColumns";
import { firstMessage, givenName, traceTitle } from "../../lib/traceTitle";
import { pageUrls } from "../../urls";
import classes from "./TraceTable.module.css";

interface TraceRowProps {
  trace: TraceSummary;
  row: number;
  top: number;
  columns: PlacedColumn[];
  template: string;
  open: boolean;
  onOpen: (traceId: string) => void;
}

export const TraceRow = memo(function TraceRow({
  trace,
  row,
  top,
  columns,
  template,
  open,
  onOpen,
}: TraceRowProps) {
  // The link inside is for the keyboard and the browser's menu; a click anywhere in the row does the same.
  const onClick = (event: MouseEvent) => {
    if (event.target instanceof Element && event.target.closest("a")) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      window.open(pageUrls.trace(trace.trace_id), "_blank", "noopener");
    } else {
      onOpen(trace.trace_id);
    }
  };
  return (
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
    <div
      onClick={onClick}
      role="row"
      aria-rowindex={row + 2}
      aria-current={open || undefined}
      data-row={row}
      className={classes.row}
      style={{ transform: `translateY(${top}px)`, gridTemplateColumns: template }}
    >
      {columns.map((column) => (
        <div
          key={column.id}
          role="cell"
          className={classes.cell}
          data-number={column.number || undefined}
        >
          <CellContent column={column} trace={trace} onOpen={onOpen} />
        </div>
      ))}
    </div>
  );
});

interface CellContentProps {
  column: PlacedColumn;
  trace: TraceSummary;
  onOpen: (traceId: string) => void;
}

function CellContent({ column, trace, onOpen }: CellContentProps) {
  switch (column.id) {
    case "status":
      return (
        <StatusBadge
          status={trace.status}
          state={trace.state}
          text={trace.status_text}
          compact={column.compact ?? false}
        />
      );
    case "score":
      return <ScoreBar score={trace.score} width={36} />;
    case "name":
      return <NameLink trace={trace} onOpen={onOpen} />;
    case "started":
      return <Moment iso={trace.started_at} className={classes.faint} />;
    case "tags":
      return <Tags tags={trace.tags} />;
    default: {
      const text = column.text?.(trace) ?? "";
      return <span title={column.exact?.(trace) ?? text}>{text}</span>;
    }
  }
}

const TAGS_SHOWN = 2;

/** The first tags, each as long as there is room, and how many more there are. */
function Tags({ tags }: { tags: string[] }) {
  if (tags.length === 0) return null;
  const more = tags.length - TAGS_SHOWN;
  return (
    <span className={classes.tags} title={tags.join(", ")}>
      {tags.slice(0, TAGS_SHOWN).map((tag) => (
        <span key={tag} className={classes.tag}>
          {tag}
        </span>
      ))}
      {more > 0 && <span className={classes.faint}>+{more}</span>}
    </span>
  );
}

/** The link that the whole row is: in place with a click, in a new window with the browser's own modifiers. */
function NameLink({ trace, onOpen }: Pick<CellContentProps, "trace" | "onOpen">) {
  const onClick = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    onOpen(trace.trace_id);
  };
  const text = traceTitle(trace);
  return (
    <Link
      to="/traces/$traceId"
      params={{ traceId: trace.trace_id }}
      className={classes.name}
      title={text}
      onClick={onClick}
    >
      {text}
      {givenName(trace) !== null && trace.first_message && (
        <span className={classes.faint}> {firstMessage(trace)}</span>
      )}
    </Link>
  );
}
