import { IconCode, IconLink } from "@tabler/icons-react";
import { ActionIcon, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import type { Span } from "../../../api/types";
import { CopyButton } from "../../../components/CopyButton";
import { formatCount, formatDuration, formatExact, formatOffset } from "../../../lib/format";
import type { TranscriptRow } from "../../../lib/transcript";
import { pageUrls } from "../../../urls";
import { useOpenTrace } from "../TraceContext";
import type { Edge } from "./edge";
import classes from "./ItemFrame.module.css";

interface ItemFrameProps {
  row: TranscriptRow;
  span: Span | null;
  edge: Edge;
  label: string;
  /** Beside the label: name, model. */
  detail?: ReactNode;
  copyText?: (() => string) | undefined;
  /** True for items whose own first line has the label. */
  bare?: boolean;
  children?: ReactNode;
}

/** What all items have in common: gutter, coloured edge, label, and what can be done with them. */
export function ItemFrame({
  row,
  span,
  edge,
  label,
  detail,
  copyText,
  bare,
  children,
}: ItemFrameProps) {
  const { detail: trace, selected, select, inspect } = useOpenTrace();
  const id = row.span.span_id;
  const url = new URL(pageUrls.trace(trace.trace_id, { item: id }), window.location.origin).href;
  return (
    <article
      className={classes.item}
      data-selected={selected === id || undefined}
      data-opens-turn={row.opensTurn || undefined}
      data-span={id}
      aria-label={label}
      style={{ "--edge": `var(--role-${edge})`, "--depth": Math.min(row.depth, 4) }}
    >
      <Gutter row={row} span={span} />
      {/* The address of an item follows the pointer; the keyboard has j and k for it. */}
      {/* eslint-disable-next-line jsx-a11y/no-static-element-interactions, jsx-a11y/click-events-have-key-events */}
      <div className={classes.body} onClick={() => selectsText() || select(id)}>
        <header className={classes.head} data-bare={bare || undefined}>
          {!bare && (
            <>
              <span className={classes.label}>{label}</span>
              <span className={classes.detail}>{detail}</span>
            </>
          )}
          <span className={classes.actions}>
            {copyText && <CopyButton text={copyText} label="Copy content" />}
            <CopyButton text={url} label="Copy link to this item" icon={IconLink} />
            <Tooltip label="Raw JSON">
              <ActionIcon size={22} aria-label="Raw JSON" onClick={() => inspect(id)}>
                <IconCode size={14} />
              </ActionIcon>
            </Tooltip>
          </span>
        </header>
        {children}
      </div>
    </article>
  );
}

function selectsText(): boolean {
  return window.getSelection()?.isCollapsed === false;
}

function Gutter({ row, span }: { row: TranscriptRow; span: Span | null }) {
  const duration = row.span.duration_ms;
  return (
    <div className={classes.gutter}>
      <span className={classes.turn} title={row.turn === null ? undefined : `turn ${row.turn}`}>
        {row.opensTurn ? row.turn : ""}
      </span>
      <span className={classes.offset} title="time since the start">
        {formatOffset(row.span.start_offset_ms)}
      </span>
      {duration !== null && duration > 0 && row.kind !== "tool" && (
        <span title={`${duration} ms`}>{formatDuration(duration)}</span>
      )}
      {span && <Tokens span={span} />}
    </div>
  );
}

function Tokens({ span }: { span: Span }) {
  const { input_tokens: read, output_tokens: written, cached_input_tokens: cached } = span;
  if (!read && !written) return null;
  const title = [
    `${formatExact(read ?? 0)} tokens in`,
    cached ? `${formatExact(cached)} of them cached` : "",
    `${formatExact(written ?? 0)} out`,
    span.reasoning_tokens ? `${formatExact(span.reasoning_tokens)} of them reasoning` : "",
    span.cost_usd ? `$${span.cost_usd}` : "",
  ];
  return (
    <span title={title.filter(Boolean).join(", ")}>
      {written ? `${formatCount(read ?? 0)}→${formatCount(written)}` : `${formatCount(read)} in`}
    </span>
  );
}
