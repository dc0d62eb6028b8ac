import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { ApiError } from "../../api/error";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Notice } from "../../components/Notice";
import { Skeleton } from "../../components/Skeleton";
import { useKeys } from "../../components/useKeys";
import { useLiveSpans } from "../../queries/useLiveSpans";
import { useOutline } from "../../queries/useOutline";
import { useTrace } from "../../queries/useTrace";
import type { TraceSearch } from "../../urls";
import { LoadedTrace } from "./LoadedTrace";
import classes from "./TraceView.module.css";
import type { Neighbours } from "./useNeighbours";

export interface TraceViewProps {
  traceId: string;
  search: TraceSearch;
  /** Changes a part of the address; always the same function. */
  onSearch: (change: Partial<TraceSearch>) => void;
  neighbours: Neighbours;
  onOpen: (traceId: string) => void;
  onDeleted: () => void;
  /** Given where the rollout is open beside the list. */
  onClose?: (() => void) | undefined;
}

/** One rollout, on its own page or beside the list. */
export function TraceView(props: TraceViewProps) {
  const { traceId, neighbours, onOpen, onClose } = props;
  const trace = useTrace(traceId);
  const outline = useOutline(traceId);
  const running = trace.data?.state === "running";
  useLiveSpans(traceId, trace.data?.started_at, running);

  const isLoaded = trace.data !== undefined && outline.outline !== null;
  // One goes on, or back to the list, without waiting for what is on its way.
  useKeys({
    n: () => neighbours.next !== null && onOpen(neighbours.next),
    p: () => neighbours.previous !== null && onOpen(neighbours.previous),
    Escape: () => !isLoaded && onClose?.(),
  });

  const error = trace.error ?? outline.error;
  const retry = () => {
    void trace.refetch();
    void outline.refetch();
  };
  return (
    <section className={classes.view} aria-label="rollout">
      {trace.data && outline.outline ? (
        <LoadedTrace
          {...props}
          key={traceId}
          detail={trace.data}
          outline={outline.outline}
          error={error}
          onRetry={retry}
        />
      ) : error ? (
        <Failed error={error} traceId={traceId} onRetry={retry} onClose={onClose} />
      ) : (
        <Skeleton rows={14} height={56} label="loading the rollout" />
      )}
    </section>
  );
}

interface FailedProps {
  error: Error;
  traceId: string;
  onRetry: () => void;
  onClose: (() => void) | undefined;
}

function Failed({ error, traceId, onRetry, onClose }: FailedProps) {
  const way = onClose ? (
    <Button size="xs" variant="default" onClick={onClose}>
      Close
    </Button>
  ) : (
    <Button size="xs" variant="default" renderRoot={(props) => <Link to="/traces" {...props} />}>
      All rollouts
    </Button>
  );
  if (error instanceof ApiError && error.isNotFound) {
    return (
      <Notice title="No such rollout" actions={way}>
        <p>
          There is no rollout <code>{traceId}</code>. It may have been deleted, or its first span
          has not arrived yet.
        </p>
      </Notice>
    );
  }
  return <ErrorNotice error={error} what="this rollout" onRetry={onRetry} actions={way} />;
}
