import { Combobox, TextInput, useCombobox } from "@mantine/core";
import { useMergedRef } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useRef, useState, type Ref } from "react";
import {
  filterDefinition,
  suggest,
  suggestHint,
  withValue,
  type Suggestion,
} from "../../lib/filters";
import { formatExact } from "../../lib/format";
import { useFacets } from "../../queries/useFacets";
import type { TraceFilters } from "../../urls";
import classes from "./FilterBar.module.css";

interface FilterSearchProps {
  box: Ref<HTMLInputElement>;
  filters: TraceFilters;
  onChange: (filters: TraceFilters) => void;
}

/** The search box: text to look for, or a field and its value, with suggestions while one types. */
export function FilterSearch({ box, filters, onChange }: FilterSearchProps) {
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const ref = useMergedRef(input, box);
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  const facets = useFacets(filters, combobox.dropdownOpened).data ?? [];
  const suggestions = combobox.dropdownOpened ? suggest(text, facets, filters) : [];
  const hint = suggestHint(text);

  const choose = (suggestion: Suggestion | undefined) => {
    if (suggestion?.kind === "field") {
      setText(`${filterDefinition(suggestion.field).label}:`);
      combobox.resetSelectedOption();
      input.current?.focus();
    } else if (suggestion) {
      onChange(withValue(filters, suggestion.field, suggestion.value));
      setText("");
      combobox.closeDropdown();
    }
  };
  return (
    <Combobox
      store={combobox}
      onOptionSubmit={(place) => choose(suggestions[Number(place)])}
      position="bottom-start"
      width={360}
      shadow="md"
    >
      <Combobox.Target>
        <TextInput
          ref={ref}
          size="xs"
          className={classes.search}
          leftSection={<IconSearch size={14} />}
          aria-label="Filter rollouts"
          placeholder="Filter, or search in text (/)"
          value={text}
          onFocus={() => combobox.openDropdown()}
          onClick={() => combobox.openDropdown()}
          onBlur={() => combobox.closeDropdown()}
          onChange={(event) => {
            setText(event.currentTarget.value);
            combobox.openDropdown();
            combobox.updateSelectedOptionIndex();
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && combobox.getSelectedOptionIndex() < 0)
              choose(suggestions[0]);
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={suggestions.length === 0 && hint === null}>
        <Combobox.Options mah={360} style={{ overflowY: "auto" }} aria-label="suggestions">
          {suggestions.map((suggestion, place) => (
            <Combobox.Option
              key={`${suggestion.kind} ${suggestion.field} ${place}`}
              value={String(place)}
            >
              <SuggestionLine suggestion={suggestion} />
            </Combobox.Option>
          ))}
          {hint !== null && <Combobox.Empty className={classes.typeHint}>{hint}</Combobox.Empty>}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}

function SuggestionLine({ suggestion }: { suggestion: Suggestion }) {
  const { label, hint } = filterDefinition(suggestion.field);
  if (suggestion.kind === "field") {
    return (
      <span className={classes.option}>
        <span className={classes.value}>{label}</span>
        <span className={classes.hint}>{hint}</span>
      </span>
    );
  }
  return (
    <span className={classes.option}>
      <span className={classes.label}>{suggestion.field === "q" ? "text contains" : label}</span>
      <span className={classes.value}>{suggestion.value}</span>
      <span className={classes.hint}>
        {suggestion.count === null ? "" : formatExact(suggestion.count)}
      </span>
    </span>
  );
}
