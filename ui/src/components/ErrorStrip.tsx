import { Button } from "@mantine/core";
import { IconAlertTriangleFilled } from "@tabler/icons-react";
import classes from "./ErrorStrip.module.css";

/** An error above content that stays: what is on screen is older than the failed request. */
export function ErrorStrip({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <div className={classes.strip} role="alert">
      <IconAlertTriangleFilled size={14} aria-hidden />
      <span className={classes.text}>
        Not up to date: {error instanceof Error ? error.message : String(error)}
      </span>
      <Button size="compact-xs" variant="default" onClick={onRetry}>
        Try again
      </Button>
    </div>
  );
}
