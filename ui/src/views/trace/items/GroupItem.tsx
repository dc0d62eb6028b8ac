import type { Span } from "../../../api/types";
import { JsonTree } from "../../../components/viewers/JsonTree";
import { toLine, toText } from "../../../lib/json";
import type { TranscriptRow } from "../../../lib/transcript";
import { useExpansion } from "../../../state/expansion";
import { ErrorBlock } from "./ErrorBlock";
import classes from "./LineItem.module.css";
import { ItemFrame } from "./ItemFrame";

const LABELS: Readonly<Record<string, string>> = { group: "group", agent: "agent", otel: "span" };

/** The head of a group, of a foreign agent, or any other foreign span; what is inside follows, indented. */
export function GroupItem({ row, span }: { row: TranscriptRow; span: Span | null }) {
  const id = row.span.span_id;
  const attributes = span?.attributes ?? null;
  const extra = [span?.span_events, span?.links].filter(
    (value) => value !== undefined && value !== null,
  );
  const [open, setOpen] = useExpansion(`${id}/attributes`, false);
  return (
    <ItemFrame
      row={row}
      span={span}
      edge={row.span.error ? "error" : "event"}
      label={LABELS[row.span.item_type] ?? row.span.item_type}
      copyText={span ? () => toText(attributes ?? row.span.span_name) : undefined}
      detail={
        <button
          type="button"
          className={classes.line}
          disabled={attributes === null}
          aria-expanded={attributes === null ? undefined : open}
          onClick={() => setOpen(!open)}
        >
          <span className={classes.name}>{span?.name ?? row.span.span_name}</span>
          {span?.scope_name && <span> · {span.scope_name}</span>}
          {attributes !== null && !open && (
            <span className={classes.rest}> {toLine(attributes)}</span>
          )}
        </button>
      }
    >
      {open && attributes !== null && <JsonTree id={`${id}/json`} value={attributes} />}
      {open &&
        extra.map((value, place) => (
          <JsonTree key={place} id={`${id}/extra${place}`} value={value} />
        ))}
      {span?.status === "error" && (
        <ErrorBlock
          id={id}
          type={span.error_type}
          message={span.error_message}
          traceback={span.traceback}
        />
      )}
    </ItemFrame>
  );
}
