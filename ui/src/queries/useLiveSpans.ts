import { useQueryClient, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Span, SpanOutline, SpanPage, TraceOutline } from "../api/types";
import { useApi } from "./api";
import { keys } from "./keys";
import { useResumed } from "./useResumed";
import { WINDOW_SIZE, windowOf } from "./useSpan";

const REFRESH_MS = 1_000;

/** Grows an open rollout while it runs. */
export function useLiveSpans(traceId: string, startedAt: string | undefined, on: boolean): void {
  const api = useApi();
  const client = useQueryClient();

  const listening = useResumed(
    on,
    () => void client.invalidateQueries({ queryKey: keys.trace(traceId) }),
  );

  // A subscription outside of React: it lives as long as the rollout is shown and runs.
  useEffect(() => {
    if (!listening || startedAt === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refreshSummary = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void client.invalidateQueries({ queryKey: keys.trace(traceId), exact: true });
      }, REFRESH_MS);
    };
    const stop = api.liveSpans(traceId, {
      onItems: (spans) => {
        for (const span of spans) receive(client, traceId, Date.parse(startedAt), span);
        refreshSummary();
      },
      onReset: () => void client.invalidateQueries({ queryKey: keys.trace(traceId) }),
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [api, client, traceId, startedAt, listening]);

  // What came out of order finds its place once nothing more comes.
  useEffect(() => {
    if (!on) return;
    return () => {
      void client.invalidateQueries({ queryKey: keys.outline(traceId) });
      void client.invalidateQueries({ queryKey: keys.windows(traceId) });
    };
  }, [client, traceId, on]);
}

function receive(client: QueryClient, traceId: string, start: number, span: Span): void {
  let index = -1;
  client.setQueryData<InfiniteData<TraceOutline, number>>(keys.outline(traceId), (data) => {
    if (!data) return data;
    const updated = upsertOutline(data, outlineOf(span, start));
    index = updated.index;
    return updated.data;
  });
  if (index < 0) return;
  const window = windowOf(index);
  client.setQueryData<SpanPage>(keys.window(traceId, window), (page) => {
    if (!page) return page;
    const items = [...page.items];
    const at = index - window * WINDOW_SIZE;
    if (at > items.length) return page;
    items[at] = span;
    return { ...page, items };
  });
}

/** Replaces the span where it is known, else puts it at the end; `index` is its place. */
export function upsertOutline(
  data: InfiniteData<TraceOutline, number>,
  span: SpanOutline,
): { data: InfiniteData<TraceOutline, number>; index: number } {
  const pages = [...data.pages];
  for (const [number, page] of pages.entries()) {
    const at = page.items.findIndex((item) => item.span_id === span.span_id);
    if (at === -1) continue;
    const items = [...page.items];
    items[at] = span;
    pages[number] = { ...page, items };
    return { data: { ...data, pages }, index: page.offset + at };
  }
  const last = pages.at(-1);
  if (!last || last.offset + last.items.length < last.total) return { data, index: -1 };
  pages[pages.length - 1] = { ...last, items: [...last.items, span], total: last.total + 1 };
  return { data: { ...data, pages }, index: last.offset + last.items.length };
}

function outlineOf(span: Span, start: number): SpanOutline {
  return {
    span_id: span.span_id,
    parent_span_id: span.parent_span_id,
    item_type: span.item_type,
    span_kind: span.span_kind,
    span_name: span.span_name,
    role: span.role ?? null,
    name: span.item_type === "criterion" ? (span.name ?? null) : null,
    call_id: span.call_id ?? span.tool_call_id ?? null,
    turn_index: span.turn_index,
    start_offset_ms: Date.parse(span.started_at) - start,
    duration_ms: span.duration_ms,
    error: span.status === "error",
    score: span.score ?? null,
    content_bytes: JSON.stringify(span.content ?? span.result ?? "").length,
  };
}
