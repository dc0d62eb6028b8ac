import type { Span } from "../../../api/types";
import { PartsView, Reasoning } from "../../../components/viewers/PartsView";
import { ToolCallLine } from "../../../components/viewers/ToolCallLine";
import { toText } from "../../../lib/json";
import { contentParts, toolCalls, type ToolCall } from "../../../lib/messages";
import { findExecution, isGraderMessage, type TranscriptRow } from "../../../lib/transcript";
import { useOpenTrace } from "../TraceContext";
import { ErrorBlock } from "./ErrorBlock";
import { ItemFrame } from "./ItemFrame";
import { Marks } from "./Marks";
import classes from "./MessageItem.module.css";
import { Pending } from "./Pending";
import { roleEdge } from "./edge";

const SYSTEM_LINES = 4;

export function MessageItem({ row, span }: { row: TranscriptRow; span: Span | null }) {
  const role = row.span.role ?? "message";
  const grader = isGraderMessage(row.span);
  return (
    <ItemFrame
      row={row}
      span={span}
      edge={row.span.error ? "error" : grader ? "grade" : roleEdge(role)}
      label={grader ? `${row.span.span_kind.slice("grader.".length)} · ${role}` : role}
      detail={span && <MessageDetail span={span} />}
      copyText={span ? () => toText(span.content ?? "") : undefined}
    >
      {span ? (
        <MessageBody span={span} index={row.index} />
      ) : (
        <Pending bytes={row.span.content_bytes} />
      )}
    </ItemFrame>
  );
}

function MessageDetail({ span }: { span: Span }) {
  const said = [span.name, span.model, span.provider, endedEarly(span.finish_reason)];
  return <>{said.filter(Boolean).join(" · ")}</>;
}

/** Why the model stopped, where that is not the usual end. */
function endedEarly(reason: string | null | undefined): string | null {
  return reason && !["stop", "tool_calls", "end_turn", "tool_use"].includes(reason)
    ? `stopped: ${reason}`
    : null;
}

function MessageBody({ span, index }: { span: Span; index: number }) {
  const { transcript } = useOpenTrace();
  const parts = contentParts(span.content);
  const calls = toolCalls(span.tool_calls);
  const system = span.role === "system" || span.role === "developer";
  return (
    <div className={classes.body}>
      {span.prompt && <p className={classes.prompt}>{span.prompt}</p>}
      {span.reasoning && <Reasoning id={`${span.span_id}/reasoning`} text={span.reasoning} />}
      {parts.length > 0 && (
        <PartsView
          id={`${span.span_id}/content`}
          parts={parts}
          shown={system ? SYSTEM_LINES : undefined}
        />
      )}
      {calls.map((call, place) => (
        <CallOfMessage
          key={place}
          call={call}
          executed={findExecution(transcript, call.id, index) !== null}
          alone={parts.length === 0}
        />
      ))}
      {span.status === "error" && (
        <ErrorBlock
          id={span.span_id}
          type={span.error_type}
          message={span.error_message}
          traceback={span.traceback}
        />
      )}
      <Marks marks={span.marks} />
    </div>
  );
}

interface CallOfMessageProps {
  call: ToolCall;
  executed: boolean;
  /** True where the message says nothing else. */
  alone: boolean;
}

/** A call whose execution has a card of its own is only named here. */
function CallOfMessage({ call, executed, alone }: CallOfMessageProps) {
  const { detail } = useOpenTrace();
  if (!executed) {
    const note = detail.state === "running" ? "not executed yet" : "not executed";
    return <ToolCallLine call={call} note={note} />;
  }
  return alone ? <span className={classes.calls}>calls {call.name}</span> : null;
}
