import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import type { Span } from "../../../api/types";
import { SmallImages } from "../../../components/viewers/SmallImages";
import { ValueView } from "../../../components/viewers/ValueView";
import { formatDuration } from "../../../lib/format";
import { toLine, toText } from "../../../lib/json";
import { contentLine, toolCalls } from "../../../lib/messages";
import type { Transcript, TranscriptRow } from "../../../lib/transcript";
import { useSpan } from "../../../queries/useSpan";
import { useExpansion } from "../../../state/expansion";
import { useOpenTrace } from "../TraceContext";
import { ErrorBlock } from "./ErrorBlock";
import { ItemFrame } from "./ItemFrame";
import { Marks } from "./Marks";
import classes from "./ToolItem.module.css";

/** A tool call and its execution as one card. */
export function ToolItem({ row, span }: { row: TranscriptRow; span: Span | null }) {
  const { detail } = useOpenTrace();
  const other = useSpan(detail.trace_id, row.absorbed[0] ?? null).data ?? null;
  const input = useToolInput(row, span, other);
  const output = span
    ? (span.result ?? other?.result ?? span.content ?? other?.content)
    : undefined;
  const name = row.span.span_name.replace(/^(tool\.|execute_tool )/, "");
  return (
    <ItemFrame
      row={row}
      span={null}
      edge={row.span.error ? "error" : "tool"}
      label="tool"
      bare
      copyText={span ? () => toText(output ?? "") : undefined}
    >
      <Card row={row} name={span?.name ?? name} span={span} input={input} output={output} />
    </ItemFrame>
  );
}

interface CardProps {
  row: TranscriptRow;
  name: string;
  span: Span | null;
  input: unknown;
  output: unknown;
}

function Card({ row, name, span, input, output }: CardProps) {
  const id = row.span.span_id;
  const [open, setOpen] = useExpansion(`${id}/tool`, false);
  const Icon = open ? IconChevronDown : IconChevronRight;
  const failure = span?.error ?? span?.error_message ?? null;
  return (
    <div className={classes.card} data-open={open || undefined}>
      <button
        type="button"
        className={classes.head}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon size={14} aria-hidden />
        <span className={classes.label}>tool</span>
        <span className={classes.name}>{name}</span>
        {span?.requestor && span.requestor !== "agent" && (
          <span className={classes.label}>asked by {span.requestor}</span>
        )}
        <span className={classes.line}>{open ? "" : toLine(input ?? "")}</span>
        <span className={classes.duration}>
          {row.span.duration_ms ? formatDuration(row.span.duration_ms) : ""}
        </span>
      </button>
      {!open && failure === null && output !== undefined && output !== null && (
        <>
          <div className={classes.preview}>→ {contentLine(output, 240)}</div>
          <SmallImages value={output} />
        </>
      )}
      {open && (
        <div className={classes.body}>
          {hasContent(input) && (
            <ValueView id={`${id}/arguments`} label="arguments" value={input} />
          )}
          {hasContent(output) && <ValueView id={`${id}/result`} label="result" value={output} />}
          {!hasContent(output) && failure === null && (
            <span className={classes.none}>no result</span>
          )}
        </div>
      )}
      {span && (row.span.error || failure !== null) && (
        <ErrorBlock id={id} type={span.error_type} message={failure} traceback={span.traceback} />
      )}
      {span && <Marks marks={span.marks} />}
    </div>
  );
}

function hasContent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** The arguments: as executed, else as the assistant message before asked for them. */
function useToolInput(row: TranscriptRow, span: Span | null, other: Span | null): unknown {
  const { detail, transcript } = useOpenTrace();
  const executed = span?.arguments ?? other?.arguments;
  const missing = span !== null && executed === undefined && row.span.call_id !== null;
  const asking = missing ? askingMessage(transcript, row.index) : null;
  const message = useSpan(detail.trace_id, asking).data;
  if (executed !== undefined || !message) return executed;
  return toolCalls(message.tool_calls).find((call) => call.id === row.span.call_id)?.arguments;
}

const LOOK_BACK = 50;

function askingMessage(transcript: Transcript, index: number): number | null {
  for (let at = index - 1; at >= 0 && at > index - LOOK_BACK; at -= 1) {
    if (transcript.spans[at]?.role === "assistant") return at;
  }
  return null;
}
