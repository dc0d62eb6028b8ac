import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { TraceDetail } from "../../api/types";
import { CopyButton } from "../../components/CopyButton";
import { JsonTree } from "../../components/viewers/JsonTree";
import { formatAbsolute, formatCost, formatExact, formatExactDuration } from "../../lib/format";
import { toText } from "../../lib/json";
import classes from "./DetailsPanel.module.css";
import { FactTable, type Fact } from "./FactTable";

/** Ids, times, metadata, tags and resource of a rollout. */
export function RolloutDetails({ detail }: { detail: TraceDetail }) {
  return (
    <>
      <FactTable facts={facts(detail)} />
      {detail.tags.length > 0 && (
        <Section title="Tags">
          <div className={classes.tags}>
            {detail.tags.map((tag) => (
              <Link key={tag} to="/traces" search={{ project: [detail.project], tags: [tag] }}>
                {tag}
              </Link>
            ))}
          </div>
        </Section>
      )}
      <JsonSection title="Metadata" value={detail.metadata} />
      <JsonSection title="Resource" value={detail.resource} />
      {detail.segments.length > 1 && <JsonSection title="Segments" value={detail.segments} />}
      <JsonSection title="Raw" value={detail} openLevels={0} />
    </>
  );
}

function facts(detail: TraceDetail): Fact[] {
  return [
    ["trace", <Copied key="trace" text={detail.trace_id} />],
    ["given id", detail.trace_id_text],
    ["phase", detail.phase],
    ["environment", detail.env_name],
    ["models", detail.models.join(", ") || detail.model_name],
    ["policy", detail.policy_version],
    ["grader", detail.grader_name],
    ["session", detail.session_id],
    ["user", detail.user_id],
    ["parent", detail.parent_trace_id && <ParentLink traceId={detail.parent_trace_id} />],
    ["started", formatAbsolute(detail.started_at)],
    ["ended", detail.ended_at && formatAbsolute(detail.ended_at)],
    ["last seen", detail.state === "ended" ? null : formatAbsolute(detail.last_seen_at)],
    ["duration", formatExactDuration(detail.duration_ms)],
    ["tokens in", formatExact(detail.input_tokens)],
    ["cached", detail.cached_input_tokens > 0 ? formatExact(detail.cached_input_tokens) : null],
    ["tokens out", formatExact(detail.output_tokens)],
    ["cost", detail.cost_usd === null ? null : formatCost(detail.cost_usd)],
    ["graders", graders(detail)],
  ];
}

function graders(detail: TraceDetail): string | null {
  const {
    grader_input_tokens: read,
    grader_output_tokens: written,
    grader_cost_usd: cost,
  } = detail;
  if (read === 0 && written === 0 && cost === null) return null;
  return `${formatExact(read)} in, ${formatExact(written)} out${cost === null ? "" : `, ${formatCost(cost)}`}`;
}

function Copied({ text }: { text: string }) {
  return (
    <span>
      {text}
      <CopyButton text={text} label="Copy" />
    </span>
  );
}

function ParentLink({ traceId }: { traceId: string }) {
  return (
    <Link to="/traces/$traceId" params={{ traceId }}>
      {traceId}
    </Link>
  );
}

interface JsonSectionProps {
  title: string;
  value: object;
  openLevels?: number;
}

export function JsonSection({ title, value, openLevels = 2 }: JsonSectionProps) {
  if (Object.keys(value).length === 0) return null;
  return (
    <Section
      title={title}
      action={<CopyButton text={() => toText(value)} label={`Copy ${title.toLowerCase()}`} />}
    >
      <JsonTree id={`details/${title}`} value={value} openLevels={openLevels} />
    </Section>
  );
}

function Section({
  title,
  action,
  children,
}: {
  title: string;
  action?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className={classes.section}>
      <h3>
        {title}
        {action}
      </h3>
      {children}
    </section>
  );
}
