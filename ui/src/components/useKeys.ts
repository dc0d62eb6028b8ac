import { useEffect } from "react";

/** What keys do; `false` leaves the key to whatever else wants it. */
export type KeyActions = Readonly<Record<string, () => unknown>>;

/** Single keys, while nothing is typed into and no dialog or menu is open. */
export function useKeys(actions: KeyActions): void {
  // Keys are heard on the window, wherever the focus is.
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (isTypedInto(event.target) || document.querySelector("[role=dialog], [role=menu]")) return;
      const action = actions[event.key];
      if (action && action() !== false) event.preventDefault();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [actions]);
}

function isTypedInto(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}
