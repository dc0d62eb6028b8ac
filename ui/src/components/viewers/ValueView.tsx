import { lazy, Suspense, useMemo, useState } from "react";
import {
  countJsonLines,
  countLines,
  detectView,
  headLines,
  tableColumns,
  type ViewKind,
} from "../../lib/content";
import { FOLD_LINES } from "../../lib/content";
import { findEdit } from "../../lib/edit";
import { formatBytes } from "../../lib/format";
import { toText } from "../../lib/json";
import { contentParts } from "../../lib/messages";
import { CopyButton } from "../CopyButton";
import { DataTable } from "./DataTable";
import { Diff } from "./Diff";
import { Fold } from "./Fold";
import { JsonTree } from "./JsonTree";
import { Markdown } from "./Markdown";
import { PartsView } from "./PartsView";
import { PlainText } from "./PlainText";
import { Terminal } from "./Terminal";
import classes from "./ValueView.module.css";

const EditDiff = lazy(() => import("./EditDiff"));

interface ValueViewProps {
  id: string;
  /** What it is, above it: "arguments", "result". */
  label: string;
  value: unknown;
}

/** What a tool took or gave, in the viewer that fits, with a switch to the raw text. */
export function ValueView({ id, label, value }: ValueViewProps) {
  const [raw, setRaw] = useState(false);
  const view = useMemo(() => detectView(value), [value]);
  const text = useMemo(() => toText(value), [value]);
  const edit = useMemo(() => findEdit(value), [value]);
  const switchable = edit !== null || view.kind !== "text";
  return (
    <section className={classes.value} aria-label={label}>
      <header className={classes.head}>
        <span>{label}</span>
        <span className={classes.size}>{formatBytes(text.length)}</span>
        {switchable && (
          <button
            type="button"
            className={classes.switch}
            aria-pressed={raw}
            onClick={() => setRaw(!raw)}
          >
            raw
          </button>
        )}
        <CopyButton text={text} label={`Copy ${label}`} />
      </header>
      {raw ? (
        <FoldedText id={`${id}.raw`} text={text} kind="text" />
      ) : edit ? (
        <Suspense fallback={<PlainText text={text} code />}>
          <span className={classes.path}>{edit.path}</span>
          <EditDiff edit={edit} />
        </Suspense>
      ) : (
        <Detected id={id} kind={view.kind} structure={view.structure} text={text} />
      )}
    </section>
  );
}

interface DetectedProps {
  id: string;
  kind: ViewKind;
  structure: object | undefined;
  text: string;
}

function Detected({ id, kind, structure, text }: DetectedProps) {
  if (structure === undefined) return <FoldedText id={id} text={text} kind={kind} />;
  const columns = tableColumns(structure);
  const parts = Array.isArray(structure) ? contentParts(structure) : [];
  if (parts.length > 0 && parts.every((part) => part.type !== "value")) {
    return <PartsView id={id} parts={parts} />;
  }
  return (
    <Fold
      id={id}
      lines={columns && Array.isArray(structure) ? structure.length + 1 : countJsonLines(structure)}
      shown={FOLD_LINES * 2}
    >
      {() =>
        columns && Array.isArray(structure) ? (
          <DataTable rows={structure} columns={columns} />
        ) : (
          <JsonTree id={`${id}.tree`} value={structure} openLevels={3} />
        )
      }
    </Fold>
  );
}

function FoldedText({ id, text, kind }: { id: string; text: string; kind: ViewKind }) {
  const lines = countLines(text, 120);
  return (
    <Fold id={id} lines={lines}>
      {(open) => {
        const shown = open ? text : headLines(text, FOLD_LINES + 1, 120);
        if (kind === "terminal") return <Terminal text={shown} />;
        if (kind === "diff") return <Diff text={shown} />;
        if (kind === "markdown") return <Markdown text={shown} />;
        return <PlainText text={shown} code />;
      }}
    </Fold>
  );
}
