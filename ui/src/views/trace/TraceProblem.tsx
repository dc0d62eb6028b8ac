import { IconAlertTriangleFilled } from "@tabler/icons-react";
import type { TraceDetail } from "../../api/types";
import classes from "./TraceHeader.module.css";

interface TraceProblemProps {
  detail: TraceDetail;
  onShow: () => void;
}

/** Why a rollout ended as it did, on one line of the header; all of it stands at the end of the transcript. */
export function TraceProblem({ detail, onShow }: TraceProblemProps) {
  const message = detail.error_message ?? detail.error_type;
  if (message === null) return null;
  return (
    <button
      type="button"
      className={classes.problem}
      title={`${message}\n\nShow it with its traceback`}
      onClick={onShow}
    >
      <IconAlertTriangleFilled size={12} aria-label="error" />
      <span>{message}</span>
    </button>
  );
}
