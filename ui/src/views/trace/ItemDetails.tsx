import type { Span } from "../../api/types";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Skeleton } from "../../components/Skeleton";
import { formatAbsolute, formatCost, formatExact, formatExactDuration } from "../../lib/format";
import { useSpan } from "../../queries/useSpan";
import { FactTable, type Fact } from "./FactTable";
import { JsonSection } from "./RolloutDetails";
import { useOpenTrace } from "./TraceContext";

/** All of the marked item: what is exact about it, and everything as the API gives it. */
export function ItemDetails({ index }: { index: number }) {
  const { detail } = useOpenTrace();
  const { data, error, refetch } = useSpan(detail.trace_id, index);
  if (data) {
    return (
      <>
        <FactTable facts={facts(data)} />
        <JsonSection title="Raw" value={data} />
      </>
    );
  }
  if (error) return <ErrorNotice error={error} what="this item" onRetry={() => void refetch()} />;
  return <Skeleton rows={8} height={20} label="loading the item" />;
}

function facts(span: Span): Fact[] {
  return [
    ["item", span.span_name],
    ["model", span.model],
    ["provider", span.provider],
    ["started", span.started_at && formatAbsolute(span.started_at)],
    ["duration", formatExactDuration(span.duration_ms)],
    ["tokens in", count(span.input_tokens)],
    ["cached", count(span.cached_input_tokens)],
    ["tokens out", count(span.output_tokens)],
    ["reasoning", count(span.reasoning_tokens)],
    ["cost", span.cost_usd ? formatCost(span.cost_usd) : null],
    ["finished by", span.finish_reason],
  ];
}

function count(tokens: number | null | undefined): string | null {
  return tokens ? formatExact(tokens) : null;
}
