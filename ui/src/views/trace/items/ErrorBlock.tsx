import { IconAlertTriangleFilled } from "@tabler/icons-react";
import { PlainText } from "../../../components/viewers/PlainText";
import { Terminal } from "../../../components/viewers/Terminal";
import { countLines, headLines } from "../../../lib/content";
import { Fold } from "../../../components/viewers/Fold";
import { useExpansion } from "../../../state/expansion";
import classes from "./ErrorBlock.module.css";

interface ErrorBlockProps {
  id: string;
  type: string | null;
  message: string | null;
  traceback: string | null;
}

/** An error: message first, traceback folded. */
export function ErrorBlock({ id, type, message, traceback }: ErrorBlockProps) {
  const [open, setOpen] = useExpansion(`${id}/traceback`, false);
  const text = message ?? type ?? "ended with an error";
  const named = type !== null && !text.startsWith(type) ? `${type}: ` : "";
  return (
    <div className={classes.error}>
      <div className={classes.message}>
        <IconAlertTriangleFilled size={14} aria-label="error" />
        <Fold id={`${id}/error`} lines={countLines(text)}>
          {(whole) => <PlainText text={named + (whole ? text : headLines(text, 13))} />}
        </Fold>
      </div>
      {traceback && (
        <>
          <button
            type="button"
            className={classes.toggle}
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            {open ? "▾" : "▸"} traceback,{" "}
            {countLines(traceback.trimEnd(), Number.POSITIVE_INFINITY)} lines
          </button>
          {open && <Terminal text={traceback} />}
        </>
      )}
    </div>
  );
}
