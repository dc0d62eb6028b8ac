import { useLayoutEffect, useRef, useState, type RefObject } from "react";
import type { TraceSummary } from "../../api/types";

/**
 * Keeps what is being read in place when rows arrive above it.
 *
 * At the very top, with the pointer elsewhere, nothing is being read: new rows just appear. Otherwise the list scrolls
 * by what was added, and `arrived` counts what is waiting above.
 */
export function useStayOnArrival(
  scroller: RefObject<HTMLDivElement | null>,
  traces: TraceSummary[],
  listKey: string,
  rowHeight: number,
) {
  const before = useRef({ listKey: "", first: "" });
  const [arrived, setArrived] = useState(0);
  const first = traces[0]?.trace_id ?? "";

  // The scroll position belongs to the browser and has to change before it paints.
  useLayoutEffect(() => {
    const last = before.current;
    before.current = { listKey, first };
    const element = scroller.current;
    if (!element || last.listKey !== listKey) {
      element?.scrollTo({ top: 0 });
      setArrived(0);
      return;
    }
    const added =
      last.first === first ? 0 : traces.findIndex((trace) => trace.trace_id === last.first);
    if (added <= 0) return;
    const reading =
      element.scrollTop > 0 ||
      element.matches(":hover") ||
      element.contains(document.activeElement);
    if (!reading) return;
    element.scrollBy({ top: added * rowHeight });
    setArrived((count) => count + added);
  }, [scroller, traces, listKey, first, rowHeight]);

  // The count is about what is above; at the top nothing is.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || arrived === 0) return;
    const onScroll = () => {
      if (element.scrollTop < rowHeight) setArrived(0);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => element.removeEventListener("scroll", onScroll);
  }, [scroller, arrived, rowHeight]);

  const seen = () => {
    scroller.current?.scrollTo({ top: 0 });
    setArrived(0);
  };
  return { arrived, seen };
}
