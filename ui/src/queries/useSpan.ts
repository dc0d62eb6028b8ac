import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import type { KestrelApi } from "../api/client";
import type { Span, SpanPage } from "../api/types";
import { useApi } from "./api";
import { keys } from "./keys";

export const WINDOW_SIZE = 50;

/** Windows that no row shows are dropped after this, so that memory does not grow while one scrolls. */
const KEPT_MS = 20_000;

export function windowOf(index: number): number {
  return Math.floor(index / WINDOW_SIZE);
}

export function windowOptions(api: KestrelApi, traceId: string, window: number) {
  const offset = window * WINDOW_SIZE;
  return pageOptions(api, traceId, keys.window(traceId, window), { offset, limit: WINDOW_SIZE });
}

function aloneOptions(api: KestrelApi, traceId: string, index: number) {
  return pageOptions(api, traceId, keys.spanAlone(traceId, index), { offset: index, limit: 1 });
}

function pageOptions<Key extends readonly unknown[]>(
  api: KestrelApi,
  traceId: string,
  queryKey: Key,
  place: { offset: number; limit: number },
) {
  return {
    queryKey,
    queryFn: ({ signal }: { signal: AbortSignal }) => api.spans(traceId, place, signal),
    gcTime: KEPT_MS,
    staleTime: Number.POSITIVE_INFINITY,
  };
}

/**
 * The span at a place, with content, fetched with its neighbours; `index` null asks for nothing.
 *
 * A window of large spans holds fewer of them than were asked for. What is missing is fetched by itself, when shown.
 */
export function useSpan(traceId: string, index: number | null) {
  const api = useApi();
  const window = windowOf(index ?? 0);
  const select = useCallback(
    (page: SpanPage): Span | null =>
      index === null ? null : (page.items[index - page.offset] ?? null),
    [index],
  );
  const among = useQuery({
    ...windowOptions(api, traceId, window),
    select,
    enabled: index !== null,
  });
  const missing = index !== null && among.data === null;
  const alone = useQuery({
    ...aloneOptions(api, traceId, index ?? 0),
    select,
    enabled: missing,
  });
  return missing ? alone : among;
}
