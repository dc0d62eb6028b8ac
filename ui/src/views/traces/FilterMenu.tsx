import { Checkbox, TextInput } from "@mantine/core";
import { useState } from "react";
import {
  filterDefinition,
  filterValues,
  withoutField,
  withoutValue,
  withValue,
} from "../../lib/filters";
import { formatExact } from "../../lib/format";
import { useFacets } from "../../queries/useFacets";
import type { FilterField, TraceFilters } from "../../urls";
import classes from "./FilterBar.module.css";

interface FilterMenuProps {
  field: FilterField;
  filters: TraceFilters;
  onChange: (filters: TraceFilters) => void;
}

/** Values of a field to choose from, with counts; or a box to type a number, a time or a text into. */
export function FilterMenu(props: FilterMenuProps) {
  const { input } = filterDefinition(props.field);
  return input === "values" ? <ValueMenu {...props} /> : <TypedMenu {...props} />;
}

function ValueMenu({ field, filters, onChange }: FilterMenuProps) {
  const [text, setText] = useState("");
  const { data: facets, isPending } = useFacets(filters, true);
  const chosen = filterValues(filters, field);
  const facet = facets?.find((one) => one.field === (field === "any_tags" ? "tags" : field));
  const counted = new Map(facet?.values.map(({ value, count }) => [value, count]));
  const values = [...new Set([...chosen, ...counted.keys()])].filter((value) =>
    value.toLowerCase().includes(text.trim().toLowerCase()),
  );
  const add = (value: string) => onChange(withValue(filters, field, value));
  return (
    <div className={classes.menu}>
      <TextInput
        size="xs"
        aria-label="Find a value"
        placeholder="Find a value, or type one"
        data-autofocus
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && text.trim() !== "") add(values[0] ?? text.trim());
        }}
      />
      <ul className={classes.values}>
        {values.slice(0, 100).map((value) => (
          <li key={value}>
            <label>
              <Checkbox
                size="xs"
                checked={chosen.includes(value)}
                onChange={(event) =>
                  event.currentTarget.checked
                    ? add(value)
                    : onChange(withoutValue(filters, field, value))
                }
              />
              <span className={classes.value}>{value}</span>
              <span className={classes.hint}>
                {counted.has(value) ? formatExact(counted.get(value) ?? 0) : ""}
              </span>
            </label>
          </li>
        ))}
        {values.length === 0 && (
          <li className={classes.none}>{isPending ? "…" : "Type a value; Enter takes it"}</li>
        )}
      </ul>
    </div>
  );
}

function TypedMenu({ field, filters, onChange }: FilterMenuProps) {
  const { input, hint, label } = filterDefinition(field);
  const [text, setText] = useState(() => shownValue(input, filterValues(filters, field)[0] ?? ""));
  const apply = () => {
    const value = input === "time" ? isoTime(text) : text.trim();
    onChange(
      value === ""
        ? withoutField(filters, field)
        : withValue(withoutField(filters, field), field, value),
    );
  };
  return (
    <form
      className={classes.menu}
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <TextInput
        size="xs"
        label={label}
        description={`${hint}; Enter applies`}
        data-autofocus
        type={input === "number" ? "number" : input === "time" ? "datetime-local" : "text"}
        step="any"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={apply}
      />
    </form>
  );
}

/** RFC 3339 to what the browser's field wants, in local time. */
function shownValue(input: string, value: string): string {
  const time = new Date(value);
  if (input !== "time" || Number.isNaN(time.getTime())) return value;
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function isoTime(local: string): string {
  const time = new Date(local);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}
