import { useDebouncedValue } from "@mantine/hooks";
import { useContext, useEffect, useRef } from "react";
import { useSpanSearch } from "../../queries/useSpanSearch";
import { ExpansionContext } from "../../state/expansion";

const TYPING_MS = 200;

/** Matches of the searched text, and going from one to the next. */
export function useFind(
  traceId: string,
  text: string,
  selected: string | null,
  onShow: (spanId: string) => void,
) {
  const [settled] = useDebouncedValue(text.trim(), TYPING_MS);
  const { data, isError, isPlaceholderData } = useSpanSearch(traceId, settled);
  const expansion = useContext(ExpansionContext);
  const items = settled === "" ? [] : (data?.items ?? []);
  const at = items.findIndex((match) => match.span_id === selected);

  const show = (by: 1 | -1) => {
    const next = at < 0 ? (by > 0 ? 0 : items.length - 1) : (at + by + items.length) % items.length;
    const match = items[next];
    if (!match) return;
    expansion.openItem(match.span_id);
    onShow(match.span_id);
  };

  // Who types and presses Enter is faster than the search: the step is taken once the matches are known.
  const asked = useRef<1 | -1 | null>(null);
  const known = settled === text.trim() && data !== undefined && !isPlaceholderData;
  useEffect(() => {
    if (!known || asked.current === null) return;
    const by = asked.current;
    asked.current = null;
    show(by);
  });
  useEffect(
    () => () => {
      asked.current = null;
    },
    [text],
  );
  const step = (by: 1 | -1) => {
    if (known) show(by);
    else asked.current = by;
  };
  return { settled, matches: settled === "" ? undefined : data, at, failed: isError, step };
}
