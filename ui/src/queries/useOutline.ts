import { infiniteQueryOptions, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import type { SpanOutline } from "../api/types";
import type { KestrelApi } from "../api/client";
import { useApi } from "./api";
import { keys } from "./keys";

const FIRST_PAGE = 500;
const NEXT_PAGES = 20_000;

export interface Outline {
  spans: SpanOutline[];
  total: number;
  /** True once every span is in `spans`. */
  complete: boolean;
}

export function outlineOptions(api: KestrelApi, traceId: string) {
  return infiniteQueryOptions({
    queryKey: keys.outline(traceId),
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      api.outline(
        traceId,
        { offset: pageParam, limit: pageParam === 0 ? FIRST_PAGE : NEXT_PAGES },
        signal,
      ),
    getNextPageParam: (page) => {
      const next = page.offset + page.items.length;
      return page.items.length > 0 && next < page.total ? next : null;
    },
  });
}

/** All spans of a trace without content: a small page first, so that something shows, then the rest in large ones. */
export function useOutline(traceId: string) {
  const query = useInfiniteQuery(outlineOptions(useApi(), traceId));
  const { data, hasNextPage, isFetching, isError, fetchNextPage } = query;

  // The rest is fetched without being asked for: tree, minimap and search need the whole outline.
  useEffect(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage, data]);

  const outline = useMemo<Outline | null>(() => {
    const last = data?.pages.at(-1);
    if (!data || !last) return null;
    const spans = data.pages.flatMap((page) => page.items);
    return {
      spans,
      total: Math.max(last.total, spans.length),
      complete: spans.length >= last.total,
    };
  }, [data]);
  return { ...query, outline };
}
