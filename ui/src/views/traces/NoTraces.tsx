import { Button } from "@mantine/core";
import { FirstRollout } from "../../components/FirstRollout";
import { Notice } from "../../components/Notice";
import { filterDefinition, activeFields } from "../../lib/filters";
import { hasFilters, type TraceFilters } from "../../urls";

interface NoTracesProps {
  filters: TraceFilters;
  onClear: () => void;
}

/** An empty list: nothing matches, or nothing was ever logged. */
export function NoTraces({ filters, onClear }: NoTracesProps) {
  if (!hasFilters(filters)) return <FirstRollout />;
  const fields = activeFields(filters).map((field) => filterDefinition(field).label);
  return (
    <Notice
      title="No rollout matches"
      actions={
        <Button size="xs" variant="default" onClick={onClear}>
          Clear all filters
        </Button>
      }
    >
      <p>The list is narrowed by {fields.join(", ")}. Remove a filter to see more.</p>
    </Notice>
  );
}
