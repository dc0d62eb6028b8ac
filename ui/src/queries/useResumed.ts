import { useDocumentVisibility } from "@mantine/hooks";
import { useEffect, useRef } from "react";

/**
 * Whether a subscription that is wanted should be open, and what to do when it opens again.
 *
 * A window nobody sees listens to nothing: browsers allow six connections to a server, for all windows together.
 */
export function useResumed(wanted: boolean, onResume: () => void): boolean {
  const visible = useDocumentVisibility() !== "hidden";
  const missed = useRef(false);

  // What happened meanwhile has to be asked for; the subscription tells only what happens from now on.
  useEffect(() => {
    if (!visible) missed.current = true;
    else if (missed.current) {
      missed.current = false;
      if (wanted) onResume();
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only becoming visible matters
  }, [visible]);
  return wanted && visible;
}
