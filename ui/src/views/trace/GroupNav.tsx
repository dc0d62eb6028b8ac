import { ActionIcon, Tooltip } from "@mantine/core";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import type { TraceDetail } from "../../api/types";
import { useSiblings } from "../../queries/useSiblings";
import classes from "./GroupNav.module.css";

interface GroupNavProps {
  detail: TraceDetail;
  onOpen: (traceId: string) => void;
}

/** Previous and next rollout of the same datapoint at the same step of the same run. */
export function GroupNav({ detail, onOpen }: GroupNavProps) {
  const siblings = useSiblings(detail).data ?? [];
  const place = siblings.findIndex((sibling) => sibling.trace_id === detail.trace_id);
  if (place < 0 || siblings.length < 2) return null;
  const previous = siblings[place - 1];
  const next = siblings[place + 1];
  return (
    <span className={classes.group}>
      <Tooltip label="Previous of its group">
        <ActionIcon
          size={20}
          aria-label="Previous of its group"
          disabled={!previous}
          onClick={() => previous && onOpen(previous.trace_id)}
        >
          <IconChevronLeft size={14} />
        </ActionIcon>
      </Tooltip>
      <span>
        {place + 1} of {siblings.length} in group
      </span>
      <Tooltip label="Next of its group">
        <ActionIcon
          size={20}
          aria-label="Next of its group"
          disabled={!next}
          onClick={() => next && onOpen(next.trace_id)}
        >
          <IconChevronRight size={14} />
        </ActionIcon>
      </Tooltip>
    </span>
  );
}
