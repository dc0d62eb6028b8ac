import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { ApiError } from "../api/error";
import { Notice } from "./Notice";

interface ErrorNoticeProps {
  error: unknown;
  what: string;
  onRetry: () => void;
  actions?: ReactNode;
}

/** What a view shows when it could not be loaded and has nothing older to show. */
export function ErrorNotice({ error, what, onRetry, actions }: ErrorNoticeProps) {
  const message = error instanceof Error ? error.message : String(error);
  const forbidden = error instanceof ApiError && error.isForbidden;
  return (
    <Notice
      tone="bad"
      title={forbidden ? `You may not read ${what}` : `Could not load ${what}`}
      actions={
        <>
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
          {actions}
        </>
      }
    >
      <p>{message}</p>
    </Notice>
  );
}
