import { Button } from "@mantine/core";

/** The way out of a list that shows nothing because of its filters. */
export function ClearFilters({ onClear }: { onClear: () => void }) {
  return (
    <Button size="xs" variant="default" onClick={onClear}>
      Clear all filters
    </Button>
  );
}
