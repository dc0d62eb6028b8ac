import type { Span } from "../../../api/types";
import { JsonTree } from "../../../components/viewers/JsonTree";
import { SmallImages } from "../../../components/viewers/SmallImages";
import { toLine, toText } from "../../../lib/json";
import type { TranscriptRow } from "../../../lib/transcript";
import { useExpansion } from "../../../state/expansion";
import { ErrorBlock } from "./ErrorBlock";
import classes from "./LineItem.module.css";
import { ItemFrame } from "./ItemFrame";

/** Something that happened: a name, and details on one line until they are opened. */
export function EventItem({ row, span }: { row: TranscriptRow; span: Span | null }) {
  const details = span?.details ?? null;
  const name = span?.name ?? row.span.span_name.replace(/^event\./, "");
  const id = row.span.span_id;
  const [open, setOpen] = useExpansion(`${id}/details`, false);
  return (
    <ItemFrame
      row={row}
      span={span}
      edge={row.span.error ? "error" : "event"}
      label="event"
      copyText={span ? () => toText(details ?? name) : undefined}
      detail={
        <button
          type="button"
          className={classes.line}
          disabled={details === null}
          aria-expanded={details === null ? undefined : open}
          onClick={() => setOpen(!open)}
        >
          <span className={classes.name}>{name}</span>
          {details !== null && !open && <span className={classes.rest}> {toLine(details)}</span>}
        </button>
      }
    >
      {!open && details !== null && <SmallImages value={details} />}
      {open && details !== null && <JsonTree id={`${id}/json`} value={details} />}
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
