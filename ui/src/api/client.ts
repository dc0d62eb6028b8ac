import type { TraceFilters } from "../urls";
import type {
  Facets,
  ProjectPage,
  Span,
  SpanMatches,
  SpanPage,
  TraceDetail,
  TraceOutline,
  TracePage,
  TraceSummary,
} from "./types";

export interface ListPage {
  limit: number;
  cursor?: string | undefined;
  sort?: string | undefined;
  /** Whether the answer says how many there are in all. */
  count?: boolean;
}

export interface Window {
  offset: number;
  limit: number;
}

/** What the server pushes, and whether it is there to push. */
export interface LiveHandlers<T> {
  onItems: (items: T[]) => void;
  /** Something was missed: what is shown has to be read again. */
  onReset: () => void;
  onState?: (state: "open" | "lost") => void;
}

/** Ends a subscription. */
export type Unsubscribe = () => void;

/** Everything that the pages ask of Kestrel. */
export interface KestrelApi {
  /** Whether a server answers and its store does. */
  isReady(): Promise<boolean>;
  projects(signal?: AbortSignal): Promise<ProjectPage>;
  traces(filters: TraceFilters, page: ListPage, signal?: AbortSignal): Promise<TracePage>;
  facets(filters: TraceFilters, signal?: AbortSignal): Promise<Facets>;
  trace(traceId: string, signal?: AbortSignal): Promise<TraceDetail>;
  deleteTrace(traceId: string): Promise<void>;
  outline(traceId: string, window: Window, signal?: AbortSignal): Promise<TraceOutline>;
  spans(traceId: string, window: Window, signal?: AbortSignal): Promise<SpanPage>;
  search(traceId: string, text: string, signal?: AbortSignal): Promise<SpanMatches>;
  liveTraces(filters: TraceFilters, handlers: LiveHandlers<TraceSummary>): Unsubscribe;
  liveSpans(traceId: string, handlers: LiveHandlers<Span>): Unsubscribe;
}
