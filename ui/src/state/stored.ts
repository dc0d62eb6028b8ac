import { useCallback, useMemo, useSyncExternalStore } from "react";
import * as v from "valibot";

const listeners = new Map<string, Set<() => void>>();
/** What was stored where storage is forbidden. */
const unstored = new Map<string, string>();

function readText(key: string): string | null {
  try {
    return localStorage.getItem(key) ?? unstored.get(key) ?? null;
  } catch {
    return unstored.get(key) ?? null;
  }
}

function parse<T>(text: string, schema: v.GenericSchema<unknown, T>, fallback: T): T {
  try {
    const parsed = v.safeParse(schema, JSON.parse(text));
    return parsed.success ? parsed.output : fallback;
  } catch {
    return fallback;
  }
}

/** A choice of the user that the browser remembers; `fallback` must be the same object every time. */
export function useStored<T>(
  name: string,
  schema: v.GenericSchema<unknown, T>,
  fallback: T,
): [T, (value: T) => void] {
  const key = `kestrel.${name}`;
  const subscribe = useCallback(
    (listener: () => void) => {
      const set = listeners.get(key) ?? new Set();
      listeners.set(key, set);
      set.add(listener);
      return () => set.delete(listener);
    },
    [key],
  );
  const text = useSyncExternalStore(subscribe, () => readText(key));
  const value = useMemo(
    () => (text === null ? fallback : parse(text, schema, fallback)),
    [text, schema, fallback],
  );
  const store = useCallback(
    (next: T) => {
      const nextText = JSON.stringify(next);
      try {
        localStorage.setItem(key, nextText);
      } catch {
        unstored.set(key, nextText);
      }
      for (const listener of listeners.get(key) ?? []) listener();
    },
    [key],
  );
  return [value, store];
}
