import { IconTool } from "@tabler/icons-react";
import { toLine } from "../../lib/json";
import type { ToolCall } from "../../lib/messages";
import classes from "./ToolCallLine.module.css";

/** A call on one line: name and arguments. */
export function ToolCallLine({ call, note }: { call: ToolCall; note?: string | undefined }) {
  return (
    <div className={classes.line}>
      <IconTool size={13} aria-hidden />
      <span className={classes.name}>{call.name}</span>
      <span className={classes.arguments}>{toLine(call.arguments)}</span>
      {note && <span className={classes.note}>{note}</span>}
    </div>
  );
}
