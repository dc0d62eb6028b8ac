import { createContext, useCallback, useContext, useSyncExternalStore } from "react";

type Mode = "default" | "folded" | "open";

/** Which folds of a page are open. Kept outside of the rows, because rows come and go while one scrolls. */
export class ExpansionStore {
  private readonly choices = new Map<string, boolean>();
  private readonly openItems = new Set<string>();
  private readonly listeners = new Set<() => void>();
  private mode: Mode = "default";

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** `key` is `{item}/{part}`; `initially` is what holds while nobody chose. */
  isOpen(key: string, initially: boolean): boolean {
    const chosen = this.choices.get(key);
    if (chosen !== undefined) return chosen;
    if (this.openItems.has(itemOf(key))) return true;
    return this.mode === "default" ? initially : this.mode === "open";
  }

  set(key: string, open: boolean): void {
    this.choices.set(key, open);
    this.notify();
  }

  /** Opens every fold of one item, as a match inside it needs. */
  openItem(item: string): void {
    for (const key of [...this.choices.keys()]) {
      if (itemOf(key) === item) this.choices.delete(key);
    }
    this.openItems.add(item);
    this.notify();
  }

  /** Opens every fold of an item, or brings them back to how they began. */
  toggleItem(item: string): void {
    if (!this.openItems.has(item)) {
      this.openItem(item);
      return;
    }
    this.openItems.delete(item);
    this.notify();
  }

  /** Folds everything; done again, opens everything; then everything is as it began. */
  cycle(): Mode {
    this.mode = this.mode === "folded" ? "open" : this.mode === "open" ? "default" : "folded";
    this.choices.clear();
    this.openItems.clear();
    this.notify();
    return this.mode;
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}

function itemOf(key: string): string {
  const slash = key.indexOf("/");
  return slash === -1 ? key : key.slice(0, slash);
}

export const ExpansionContext = createContext(new ExpansionStore());

/** Whether one fold is open, and how to change that. */
export function useExpansion(key: string, initially: boolean): [boolean, (open: boolean) => void] {
  const store = useContext(ExpansionContext);
  const open = useSyncExternalStore(store.subscribe, () => store.isOpen(key, initially));
  const setOpen = useCallback((next: boolean) => store.set(key, next), [store, key]);
  return [open, setOpen];
}
