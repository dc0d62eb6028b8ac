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
  const active = activeFields(filters);
  if (active.length === 1 && filters.project?.length === 1) {
    return (
      <Notice title="Nothing in this project" actions={<ClearFilters onClear={onClear} />}>
        <p>
          No rollout of project <code>{filters.project[0]}</code> was recorded. Its name may be
          mistyped, or its rollouts deleted.
        </p>
      </Notice>
    );
  }
  const fields = active.map((field) => filterDefinition(field).label);
  return (
    <Notice title="No rollout matches" actions={<ClearFilters onClear={onClear} />}>
      <p>The list is narrowed by {fields.join(", ")}. Remove a filter to see more.</p>
    </Notice>
  );
}
