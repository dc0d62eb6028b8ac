import { ActionIcon, CloseButton, TextInput } from "@mantine/core";
import { IconChevronDown, IconChevronUp, IconSearch } from "@tabler/icons-react";
import { useEffect, useRef, type KeyboardEvent } from "react";
import type { SpanMatches } from "../../api/types";
import { formatExact } from "../../lib/format";
import classes from "./SearchBar.module.css";

interface SearchBarProps {
  text: string;
  matches: SpanMatches | undefined;
  /** Place of the marked match in the list, -1 for none. */
  at: number;
  failed: boolean;
  onText: (text: string) => void;
  onStep: (by: 1 | -1) => void;
  onClose: () => void;
}

/** Search inside a rollout; finds folded and not yet loaded content as well. */
export function SearchBar({ text, matches, at, failed, onText, onStep, onClose }: SearchBarProps) {
  const input = useRef<HTMLInputElement>(null);
  // The bar opens to be typed into.
  useEffect(() => input.current?.focus(), []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") onStep(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") onClose();
  };
  return (
    <search className={classes.bar}>
      <TextInput
        ref={input}
        size="xs"
        className={classes.input}
        leftSection={<IconSearch size={14} />}
        aria-label="Search in this rollout"
        placeholder="Search in this rollout"
        value={text}
        onChange={(event) => onText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <output className={classes.count}>
        {text !== "" && <Count matches={matches} at={at} failed={failed} />}
      </output>
      <ActionIcon
        aria-label="Previous match"
        disabled={!matches?.items.length}
        onClick={() => onStep(-1)}
      >
        <IconChevronUp size={16} />
      </ActionIcon>
      <ActionIcon
        aria-label="Next match"
        disabled={!matches?.items.length}
        onClick={() => onStep(1)}
      >
        <IconChevronDown size={16} />
      </ActionIcon>
      <CloseButton size="sm" aria-label="Close search" onClick={onClose} />
    </search>
  );
}

interface CountProps {
  matches: SpanMatches | undefined;
  at: number;
  failed: boolean;
}

/** `3 of 8`, and in which words where there is room for them. */
function Count({ matches, at, failed }: CountProps) {
  if (failed) return "search failed";
  if (!matches) return "…";
  const { items } = matches;
  if (items.length === 0) return "nothing found";
  const hits = items.reduce((sum, match) => sum + match.count, 0);
  const more = matches.truncated ? "+" : "";
  return (
    <>
      {at >= 0 ? `${formatExact(at + 1)} of ` : ""}
      {formatExact(items.length)}
      {more}
      <span className={classes.words}>
        {items.length === 1 ? " item, " : " items, "}
        {formatExact(hits)}
        {more}
        {hits === 1 ? " hit" : " hits"}
      </span>
    </>
  );
}
