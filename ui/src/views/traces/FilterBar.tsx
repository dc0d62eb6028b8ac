import { Button } from "@mantine/core";
import type { ReactNode, Ref } from "react";
import { activeFields } from "../../lib/filters";
import type { TraceFilters } from "../../urls";
import { FilterChip } from "./FilterChip";
import { FilterSearch } from "./FilterSearch";
import classes from "./FilterBar.module.css";

interface FilterBarProps {
  searchBox: Ref<HTMLInputElement>;
  filters: TraceFilters;
  onChange: (filters: TraceFilters) => void;
  /** What stands at the end of the bar. */
  children: ReactNode;
}

/** What the list is narrowed to; all of it is in the address. */
export function FilterBar({ searchBox, filters, onChange, children }: FilterBarProps) {
  const fields = activeFields(filters);
  return (
    <div className={classes.bar} role="search" aria-label="filters">
      <FilterSearch box={searchBox} filters={filters} onChange={onChange} />
      {fields.map((field) => (
        <FilterChip key={field} field={field} filters={filters} onChange={onChange} />
      ))}
      {fields.length > 1 && (
        <Button size="compact-xs" variant="subtle" color="gray" onClick={() => onChange({})}>
          Clear all
        </Button>
      )}
      {children}
    </div>
  );
}
