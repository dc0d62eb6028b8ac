import {
  IconAlertTriangleFilled,
  IconCircleCheckFilled,
  IconCircleDotted,
  IconCut,
  IconPlayerRecordFilled,
  IconPlayerStopFilled,
} from "@tabler/icons-react";
import { statusLook, type Sign } from "../lib/status";
import classes from "./StatusBadge.module.css";

const ICONS: Record<Sign, typeof IconCut> = {
  ok: IconCircleCheckFilled,
  running: IconPlayerRecordFilled,
  cut: IconCut,
  stopped: IconPlayerStopFilled,
  failed: IconAlertTriangleFilled,
  lost: IconCircleDotted,
};

interface StatusBadgeProps {
  status: string;
  state: string;
  /** The status in the words of another system. */
  text?: string | null;
  /** The sign alone; the label is on hover and for screen readers. */
  compact?: boolean;
}

export function StatusBadge({ status, state, text, compact }: StatusBadgeProps) {
  const look = statusLook(status, state, text);
  const Icon = ICONS[look.sign];
  const running = look.sign === "running" && state === "running";
  return (
    <span
      className={classes.badge}
      style={{ color: look.color }}
      title={text ? `${status} (${text}), ${state}` : `${status}, ${state}`}
    >
      <Icon size={13} aria-hidden className={running ? classes.running : undefined} />
      <span className={compact ? "sr-only" : classes.label}>{look.label}</span>
    </span>
  );
}
