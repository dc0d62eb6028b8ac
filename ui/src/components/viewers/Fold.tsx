import { IconChevronDown, IconChevronUp } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { FOLD_LINES } from "../../lib/content";
import { formatExact } from "../../lib/format";
import { useExpansion } from "../../state/expansion";
import classes from "./Fold.module.css";

interface FoldProps {
  /** `{item}/{part}`: under which the choice is kept. */
  id: string;
  /** How many lines there are in all. */
  lines: number;
  /** How many of them a closed fold shows. */
  shown?: number;
  children: (open: boolean) => ReactNode;
}

/** Shows the beginning of what is long, with a count of its lines. */
export function Fold({ id, lines, shown = FOLD_LINES, children }: FoldProps) {
  const [open, setOpen] = useExpansion(id, false);
  if (lines <= shown + 1) return children(true);
  const Icon = open ? IconChevronUp : IconChevronDown;
  return (
    <div className={classes.fold}>
      <div
        className={open ? undefined : classes.closed}
        style={open ? undefined : { maxHeight: `${shown * 1.55}em` }}
      >
        {children(open)}
      </div>
      <button
        type="button"
        className={classes.toggle}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon size={13} aria-hidden />
        {open ? "Fold" : "Show all"} {formatExact(lines)} lines
      </button>
    </div>
  );
}
