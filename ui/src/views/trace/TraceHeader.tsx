import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { TraceDetail } from "../../api/types";
import { Moment } from "../../components/Moment";
import { ScoreBar } from "../../components/ScoreBar";
import { StatusBadge } from "../../components/StatusBadge";
import {
  formatCost,
  formatCount,
  formatDuration,
  formatExact,
  formatPlural,
} from "../../lib/format";
import { traceTitle } from "../../lib/traceTitle";
import { GroupNav } from "./GroupNav";
import classes from "./TraceHeader.module.css";
import { TraceProblem } from "./TraceProblem";

interface TraceHeaderProps {
  detail: TraceDetail;
  /** Buttons at the end of the first line. */
  actions: ReactNode;
  onOpen: (traceId: string) => void;
  /** Goes to what stands after the last item. */
  onShowEnd: () => void;
}

/** Always visible: how it ended, what it scored, where it stands, what it cost. */
export function TraceHeader({ detail, actions, onOpen, onShowEnd }: TraceHeaderProps) {
  const title = traceTitle(detail);
  return (
    <header className={classes.header}>
      <div className={classes.first}>
        <StatusBadge status={detail.status} state={detail.state} text={detail.status_text} />
        <span className={classes.score}>
          <ScoreBar score={detail.score} />
        </span>
        <h1 className={classes.title} title={title}>
          {title}
        </h1>
        <div className={classes.actions}>{actions}</div>
      </div>
      <div className={classes.second}>
        <Place detail={detail} />
        <GroupNav detail={detail} onOpen={onOpen} />
        <Facts detail={detail} />
      </div>
      <TraceProblem detail={detail} onShow={onShowEnd} />
    </header>
  );
}

/** project › run › step › datapoint, each a link to the list of what is in it. */
function Place({ detail }: { detail: TraceDetail }) {
  const { project, run_id: run, step_number: step, datapoint_id: datapoint } = detail;
  const inProject = { project: [project] };
  const inRun = run === null ? inProject : { ...inProject, run_id: [run] };
  const inStep = step === null ? inRun : { ...inRun, step_number: [String(step)] };
  return (
    <nav className={classes.place} aria-label="where it stands">
      <Link to="/p/$project" params={{ project }}>
        {project}
      </Link>
      {run !== null && run !== project && (
        <Link to="/traces" search={inRun}>
          {run}
        </Link>
      )}
      {step !== null && (
        <Link to="/traces" search={inStep}>
          step {step}
        </Link>
      )}
      {datapoint !== null && (
        <Link to="/traces" search={{ ...inStep, datapoint_id: [datapoint] }}>
          {datapoint}
        </Link>
      )}
      {detail.sample_index !== null && <span>sample {detail.sample_index}</span>}
    </nav>
  );
}

function Facts({ detail }: { detail: TraceDetail }) {
  const cached = detail.cached_input_tokens;
  const models = detail.models.length > 0 ? detail.models.join(", ") : undefined;
  return (
    <dl className={classes.facts}>
      {detail.model_name && <Fact name="model" value={detail.model_name} title={models} />}
      <Fact name="turns" value={formatExact(detail.turn_count)} />
      <Fact
        name="spans"
        value={formatCount(detail.span_count)}
        title={formatPlural(detail.span_count, "span")}
        minor
      />
      {detail.error_count > 0 && <Fact name="errors" value={formatExact(detail.error_count)} bad />}
      <Fact
        name="tokens"
        value={`${formatCount(detail.input_tokens)} in${cached > 0 ? ` (${formatCount(cached)} cached)` : ""}, ${formatCount(detail.output_tokens)} out`}
        title={`${formatExact(detail.input_tokens)} in, ${formatExact(cached)} of them cached, ${formatExact(detail.output_tokens)} out`}
      />
      {detail.cost_usd !== null && (
        <Fact name="cost" value={formatCost(detail.cost_usd)} title={costTitle(detail)} />
      )}
      <Fact
        name="duration"
        value={formatDuration(detail.duration_ms)}
        title={`${detail.duration_ms} ms`}
      />
      <Fact name="started" value={<Moment iso={detail.started_at} />} />
    </dl>
  );
}

function costTitle(detail: TraceDetail): string | undefined {
  const own = detail.cost_usd === null ? "" : `$${detail.cost_usd}`;
  const grading = detail.grader_cost_usd === null ? "" : `graders $${detail.grader_cost_usd}`;
  return [own, grading].filter(Boolean).join(", ") || undefined;
}

interface FactProps {
  name: string;
  value: ReactNode;
  title?: string | undefined;
  bad?: boolean;
  /** Left out where there is little room. */
  minor?: boolean;
}

function Fact({ name, value, title, bad, minor }: FactProps) {
  return (
    <div className={classes.fact} title={title} data-bad={bad} data-minor={minor}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
