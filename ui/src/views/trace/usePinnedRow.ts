import { useCallback, useEffect, useLayoutEffect, useRef, type RefObject } from "react";

const PINNED_MS = 3_000;
const INPUTS = ["wheel", "touchstart", "pointerdown", "keydown"] as const;

/**
 * Keeps a row that was gone to at the top while the rows around it get their content and their heights.
 *
 * It lets go as soon as the reader does anything, or after a while.
 */
export function usePinnedRow(
  scroller: RefObject<HTMLElement | null>,
  total: number,
  scrollTo: (row: number) => void,
): (row: number) => void {
  const pinned = useRef<{ row: number; until: number } | null>(null);

  // Scrolling is the browser's, and it has to be right before it paints.
  useLayoutEffect(() => {
    if (pinned.current && performance.now() < pinned.current.until) scrollTo(pinned.current.row);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only a change of the heights matters
  }, [total]);

  // The reader's hand is heard on the element itself.
  useEffect(() => {
    const element = scroller.current;
    const release = () => {
      pinned.current = null;
    };
    for (const input of INPUTS) element?.addEventListener(input, release, { passive: true });
    return () => {
      for (const input of INPUTS) element?.removeEventListener(input, release);
    };
  }, [scroller]);

  return useCallback((row: number) => {
    pinned.current = { row, until: performance.now() + PINNED_MS };
  }, []);
}
