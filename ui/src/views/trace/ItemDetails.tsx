import { ErrorNotice } from "../../components/ErrorNotice";
import { Skeleton } from "../../components/Skeleton";
import { useSpan } from "../../queries/useSpan";
import { JsonSection } from "./RolloutDetails";
import { useOpenTrace } from "./TraceContext";

/** All of the marked item, as the API gives it. */
export function ItemDetails({ index }: { index: number }) {
  const { detail } = useOpenTrace();
  const { data, error, refetch } = useSpan(detail.trace_id, index);
  if (data) return <JsonSection title="Raw" value={data} />;
  if (error) return <ErrorNotice error={error} what="this item" onRetry={() => void refetch()} />;
  return <Skeleton rows={8} height={20} label="loading the item" />;
}
