import type { ErrorComponentProps } from "@tanstack/react-router";
import { ErrorNotice } from "../../components/ErrorNotice";

/** A defect of the page itself; the rest of the program goes on. */
export function CrashPage({ error, reset }: ErrorComponentProps) {
  return <ErrorNotice error={error} what="this page" onRetry={reset} />;
}
