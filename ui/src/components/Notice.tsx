import type { ReactNode } from "react";
import classes from "./Notice.module.css";

interface NoticeProps {
  title: string;
  children?: ReactNode;
  tone?: "plain" | "bad";
  actions?: ReactNode;
}

/** What fills a view that has nothing else to show: empty, failed, not found. Always says what to do next. */
export function Notice({ title, children, tone = "plain", actions }: NoticeProps) {
  return (
    <div className={classes.notice} data-tone={tone} role={tone === "bad" ? "alert" : undefined}>
      <h2 className={classes.title}>{title}</h2>
      {children && <div className={classes.body}>{children}</div>}
      {actions && <div className={classes.actions}>{actions}</div>}
    </div>
  );
}
