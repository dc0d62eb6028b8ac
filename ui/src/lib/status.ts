/** One colour and one sign for each status, everywhere. */
export type Sign = "ok" | "running" | "cut" | "stopped" | "failed" | "lost";

export interface StatusLook {
  label: string;
  color: string;
  sign: Sign;
}

const LOOKS: Readonly<Record<string, StatusLook>> = {
  PENDING: { label: "Pending", color: "var(--status-pending)", sign: "running" },
  COMPLETED: { label: "Completed", color: "var(--status-completed)", sign: "ok" },
  TRUNCATED: { label: "Truncated", color: "var(--status-truncated)", sign: "cut" },
  ABORTED: { label: "Aborted", color: "var(--status-aborted)", sign: "stopped" },
  ENV_SETUP_ERROR: {
    label: "Env setup error",
    color: "var(--status-env-setup-error)",
    sign: "failed",
  },
  STEP_ERROR: { label: "Step error", color: "var(--status-step-error)", sign: "failed" },
  GRADER_TIMEOUT: {
    label: "Grader timeout",
    color: "var(--status-grader-timeout)",
    sign: "failed",
  },
  GRADER_ERROR: { label: "Grader error", color: "var(--status-grader-error)", sign: "failed" },
  TOOL_ERROR: { label: "Tool error", color: "var(--status-tool-error)", sign: "failed" },
  ERROR: { label: "Error", color: "var(--status-error)", sign: "failed" },
};

/**
 * How a rollout's status and state look together: what nobody ended is running or lost. A status in the words of
 * another system stands as `text`, and as PENDING among ours.
 */
export function statusLook(status: string, state: string, text?: string | null): StatusLook {
  const look = LOOKS[status] ?? { label: status, color: "var(--status-aborted)", sign: "stopped" };
  if (status !== "PENDING") return look;
  if (state === "running") return { ...look, label: "Running" };
  if (text) return { label: text, color: "var(--status-aborted)", sign: "stopped" };
  if (state === "lost") return { label: "Lost", color: "var(--status-aborted)", sign: "lost" };
  return { ...look, sign: "stopped" };
}
