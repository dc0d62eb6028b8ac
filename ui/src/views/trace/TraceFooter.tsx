import type { TraceDetail } from "../../api/types";
import { StatusBadge } from "../../components/StatusBadge";
import { formatDuration } from "../../lib/format";
import { ErrorBlock } from "./items/ErrorBlock";
import classes from "./TraceView.module.css";

/** How it ended, after the last item. */
export function TraceFooter({ detail }: { detail: TraceDetail }) {
  return (
    <footer className={classes.footer}>
      {detail.state === "running" ? (
        <>More will appear here as it happens.</>
      ) : (
        <>
          <StatusBadge status={detail.status} state={detail.state} text={detail.status_text} />{" "}
          after {formatDuration(detail.duration_ms)}
        </>
      )}
      {(detail.error_message ?? detail.traceback) !== null && (
        <ErrorBlock
          id="rollout"
          type={detail.error_type}
          message={detail.error_message}
          traceback={detail.traceback}
        />
      )}
    </footer>
  );
}
