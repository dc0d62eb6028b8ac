import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import type { Span } from "../../../api/types";
import { ScoreBar } from "../../../components/ScoreBar";
import { Prose } from "../../../components/viewers/PartsView";
import { ValueView } from "../../../components/viewers/ValueView";
import { parseCriteria } from "../../../lib/criteria";
import { formatPlural } from "../../../lib/format";
import { isGraderMessage, type TranscriptRow } from "../../../lib/transcript";
import { useSpan } from "../../../queries/useSpan";
import { useExpansion } from "../../../state/expansion";
import { useOpenTrace } from "../TraceContext";
import { CriteriaTable } from "./CriteriaTable";
import { ErrorBlock } from "./ErrorBlock";
import classes from "./GradeItem.module.css";
import { ItemFrame } from "./ItemFrame";
import { Marks } from "./Marks";
import { MessageItem } from "./MessageItem";
import { Pending } from "./Pending";

export function GradeItem({ row, span }: { row: TranscriptRow; span: Span | null }) {
  const version = span?.grader_version ? ` v${span.grader_version}` : "";
  return (
    <ItemFrame
      row={row}
      span={span}
      edge={row.span.error ? "error" : "grade"}
      label="grade"
      detail={span?.grader_type ? `${span.grader_type}${version}` : null}
      copyText={span ? () => span.reasoning ?? String(span.score ?? "") : undefined}
    >
      {span ? <GradeBody row={row} span={span} /> : <Pending bytes={row.span.content_bytes} />}
    </ItemFrame>
  );
}

function GradeBody({ row, span }: { row: TranscriptRow; span: Span }) {
  const criteria = parseCriteria(span.criteria);
  const { passed_count: passed, total_count: total } = span;
  return (
    <div className={classes.grade}>
      <div className={classes.score}>
        <ScoreBar score={span.score} width={160} />
        {total !== null && total !== undefined && (
          <span className={classes.count}>
            {passed ?? 0} of {total} passed
          </span>
        )}
      </div>
      {span.reasoning && <Prose id={`${span.span_id}/reasoning`} text={span.reasoning} />}
      {criteria.length > 0 ? <CriteriaTable criteria={criteria} /> : <CriterionSpans row={row} />}
      {span.artifacts !== undefined && span.artifacts !== null && (
        <ValueView id={`${span.span_id}/artifacts`} label="artifacts" value={span.artifacts} />
      )}
      {span.status === "error" && (
        <ErrorBlock
          id={span.span_id}
          type={span.error_type}
          message={span.error_message}
          traceback={span.traceback}
        />
      )}
      <Marks marks={span.marks} />
      <GraderCalls row={row} />
    </div>
  );
}

/** Criteria that came as spans of their own, where the grade does not list them. */
function CriterionSpans({ row }: { row: TranscriptRow }) {
  const { transcript } = useOpenTrace();
  return row.absorbed
    .filter((index) => transcript.spans[index]?.item_type === "criterion")
    .map((index) => <CriterionSpan key={index} index={index} />);
}

function CriterionSpan({ index }: { index: number }) {
  const { detail } = useOpenTrace();
  const { data } = useSpan(detail.trace_id, index);
  const { name, passed, score, weight, reasoning } = data ?? {};
  return (
    data && <CriteriaTable criteria={parseCriteria([{ name, passed, score, weight, reasoning }])} />
  );
}

/** The grader's own messages, folded in beneath its grade. */
function GraderCalls({ row }: { row: TranscriptRow }) {
  const { transcript } = useOpenTrace();
  const [open, setOpen] = useExpansion(`${row.span.span_id}/grader`, false);
  const messages = row.absorbed.filter((index) => {
    const span = transcript.spans[index];
    return span !== undefined && isGraderMessage(span);
  });
  if (messages.length === 0) return null;
  const Icon = open ? IconChevronDown : IconChevronRight;
  return (
    <div>
      <button
        type="button"
        className={classes.toggle}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon size={13} aria-hidden />
        {formatPlural(messages.length, "message")} of the grader
      </button>
      {open && (
        <div className={classes.messages}>
          {messages.map((index) => (
            <GraderMessage key={index} index={index} />
          ))}
        </div>
      )}
    </div>
  );
}

function GraderMessage({ index }: { index: number }) {
  const { detail, transcript } = useOpenTrace();
  const query = useSpan(detail.trace_id, index);
  const outline = transcript.spans[index];
  if (!outline) return null;
  const row: TranscriptRow = {
    index,
    span: outline,
    kind: "message",
    depth: 0,
    turn: null,
    opensTurn: false,
    absorbed: [],
  };
  return <MessageItem row={row} span={query.data ?? null} />;
}
