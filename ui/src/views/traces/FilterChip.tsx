import { Popover } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useState } from "react";
import { displayValue, filterDefinition, filterValues, withoutField } from "../../lib/filters";
import type { FilterField, TraceFilters } from "../../urls";
import { FilterMenu } from "./FilterMenu";
import classes from "./FilterBar.module.css";

interface FilterChipProps {
  field: FilterField;
  filters: TraceFilters;
  onChange: (filters: TraceFilters) => void;
}

/** One filter: what it is set to, a menu to change it, a cross to drop it. */
export function FilterChip({ field, filters, onChange }: FilterChipProps) {
  const [opened, setOpened] = useState(false);
  const { label } = filterDefinition(field);
  const values = filterValues(filters, field).map((value) => displayValue(field, value));
  return (
    <span className={classes.chip}>
      <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus withinPortal>
        <Popover.Target>
          <button
            type="button"
            className={classes.open}
            title={values.join(", ")}
            onClick={() => setOpened(!opened)}
          >
            <span className={classes.label}>{label}</span>
            <span className={classes.value}>
              {values.join(field === "tags" ? " and " : " or ")}
            </span>
          </button>
        </Popover.Target>
        <Popover.Dropdown p={6} aria-label={`filter by ${label}`}>
          <FilterMenu field={field} filters={filters} onChange={onChange} />
        </Popover.Dropdown>
      </Popover>
      <button
        type="button"
        className={classes.remove}
        aria-label={`Remove filter ${label}`}
        onClick={() => onChange(withoutField(filters, field))}
      >
        <IconX size={13} />
      </button>
    </span>
  );
}
