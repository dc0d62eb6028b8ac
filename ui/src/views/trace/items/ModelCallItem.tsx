import type { Span } from "../../../api/types";
import { PartsView } from "../../../components/viewers/PartsView";
import { formatPlural } from "../../../lib/format";
import { toText } from "../../../lib/json";
import { knownPrefix, plainMessages, type PlainMessage } from "../../../lib/messages";
import type { Transcript, TranscriptRow } from "../../../lib/transcript";
import { useSpan } from "../../../queries/useSpan";
import { useExpansion } from "../../../state/expansion";
import { useOpenTrace } from "../TraceContext";
import { ErrorBlock } from "./ErrorBlock";
import { ItemFrame } from "./ItemFrame";
import { Marks } from "./Marks";
import { roleEdge } from "./edge";
import classes from "./ModelCallItem.module.css";
import { Pending } from "./Pending";

/** A foreign model call: what it read that the calls before had not, and what it wrote. */
export function ModelCallItem({ row, span }: { row: TranscriptRow; span: Span | null }) {
  const name = span?.model ?? row.span.span_name;
  return (
    <ItemFrame
      row={row}
      span={span}
      edge={row.span.error ? "error" : "assistant"}
      label="model call"
      detail={[name, span?.provider, span?.scope_name].filter(Boolean).join(" · ")}
      copyText={span ? () => toText(span.output ?? "") : undefined}
    >
      {span ? <Conversation row={row} span={span} /> : <Pending bytes={row.span.content_bytes} />}
    </ItemFrame>
  );
}

function Conversation({ row, span }: { row: TranscriptRow; span: Span }) {
  const id = row.span.span_id;
  const input = plainMessages(span.input, "user");
  const known = useKnownMessages(row, input);
  const [whole, setWhole] = useExpansion(`${id}/earlier`, false);
  const reasoning = span.reasoning;
  return (
    <div className={classes.conversation}>
      {known > 0 && (
        <button
          type="button"
          className={classes.earlier}
          aria-expanded={whole}
          onClick={() => setWhole(!whole)}
        >
          {whole ? "Hide" : "Show"} {formatPlural(known, "message")} of the calls before
        </button>
      )}
      {input.slice(whole ? 0 : known).map((message, place) => (
        <Spoken key={place} id={`${id}/input${place}`} message={message} />
      ))}
      {reasoning && (
        <Spoken
          id={`${id}/reasoning`}
          message={{ role: "assistant", parts: [{ type: "reasoning", text: reasoning }] }}
        />
      )}
      {plainMessages(span.output, "assistant").map((message, place) => (
        <Spoken key={place} id={`${id}/output${place}`} message={message} />
      ))}
      {span.status === "error" && (
        <ErrorBlock
          id={id}
          type={span.error_type}
          message={span.error_message}
          traceback={span.traceback}
        />
      )}
      <Marks marks={span.marks} />
    </div>
  );
}

function Spoken({ id, message }: { id: string; message: PlainMessage }) {
  return (
    <div className={classes.message} style={{ "--edge": `var(--role-${roleEdge(message.role)})` }}>
      <span className={classes.role}>{message.role}</span>
      <PartsView id={id} parts={message.parts} shown={message.role === "system" ? 3 : undefined} />
    </div>
  );
}

const LOOK_BACK = 400;

/** How many messages the calls before had in common with this one: the most of the last two of the same parent and the last of all. */
function useKnownMessages(row: TranscriptRow, input: PlainMessage[]): number {
  const { detail, transcript } = useOpenTrace();
  const [first = null, second = null, third = null] = earlierCalls(transcript, row.index);
  const calls = [
    useSpan(detail.trace_id, first).data,
    useSpan(detail.trace_id, second).data,
    useSpan(detail.trace_id, third).data,
  ];
  return Math.max(
    ...calls.map((call) =>
      call
        ? knownPrefix(input, [
            ...plainMessages(call.input, "user"),
            ...plainMessages(call.output, "assistant"),
          ])
        : 0,
    ),
  );
}

function earlierCalls(transcript: Transcript, index: number): number[] {
  const parent = transcript.spans[index]?.parent_span_id;
  const same: number[] = [];
  const others: number[] = [];
  for (let at = index - 1; at >= 0 && at > index - LOOK_BACK && same.length < 2; at -= 1) {
    const span = transcript.spans[at];
    if (span?.item_type === "model_call") (span.parent_span_id === parent ? same : others).push(at);
  }
  return [...same, ...others].slice(0, 3);
}
