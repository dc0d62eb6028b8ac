import { memo } from "react";
import type { TranscriptRow } from "../../lib/transcript";
import { useSpan } from "../../queries/useSpan";
import { EventItem } from "./items/EventItem";
import { GradeItem } from "./items/GradeItem";
import { GroupItem } from "./items/GroupItem";
import { MessageItem } from "./items/MessageItem";
import { ModelCallItem } from "./items/ModelCallItem";
import { SegmentItem } from "./items/SegmentItem";
import { ToolItem } from "./items/ToolItem";
import { useOpenTrace } from "./TraceContext";

const ITEMS = {
  message: MessageItem,
  tool: ToolItem,
  grade: GradeItem,
  event: EventItem,
  group: GroupItem,
  other: GroupItem,
  segment: SegmentItem,
  model_call: ModelCallItem,
};

/** One row of the transcript; its content is fetched when it comes into view. */
export const TranscriptItem = memo(function TranscriptItem({ row }: { row: TranscriptRow }) {
  const { detail } = useOpenTrace();
  const span = useSpan(detail.trace_id, row.index).data ?? null;
  const Item = ITEMS[row.kind];
  return <Item row={row} span={span} />;
});
