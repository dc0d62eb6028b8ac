import type { Span } from "../../../api/types";
import { StatusBadge } from "../../../components/StatusBadge";
import { formatAbsolute } from "../../../lib/format";
import type { TranscriptRow } from "../../../lib/transcript";
import { useOpenTrace } from "../TraceContext";
import { ItemFrame } from "./ItemFrame";

/** Where the same rollout was taken up again. */
export function SegmentItem({ row, span }: { row: TranscriptRow; span: Span | null }) {
  const { detail } = useOpenTrace();
  const place = detail.segments.findIndex((segment) => segment.span_id === row.span.span_id);
  const status = span?.rollout_status;
  return (
    <ItemFrame
      row={row}
      span={span}
      edge="event"
      label={place > 0 ? `segment ${place + 1} of ${detail.segments.length}` : "next segment"}
      detail={span ? formatAbsolute(span.started_at) : null}
    >
      {status && <StatusBadge status={status} state="ended" />}
    </ItemFrame>
  );
}
