import { FirstRollout } from "../../components/FirstRollout";
import { Notice } from "../../components/Notice";
import { filterDefinition, activeFields } from "../../lib/filters";
import { hasFilters, type TraceFilters } from "../../urls";
import { ClearFilters } from "./ClearFilters";

interface NoTracesProps {
  filters: TraceFilters;
  onClear: () => void;
}

/** An empty list: nothing matches, or nothing was ever logged. */
export function NoTraces({ filters, onClear }: NoTracesProps) {
  if (!hasFilters(filters)) return <FirstRollout />;
  const fields = activeFields(filters).map((field) => filterDefinition(field).label);
  return (
    <Notice title="No rollout matches" actions={<ClearFilters onClear={onClear} />}>
      <p>The list is narrowed by {fields.join(", ")}. Remove a filter to see more.</p>
    </Notice>
  );
}
