import * as v from "valibot";
import { apiUrls } from "../urls";
import type { KestrelApi, LiveHandlers, Unsubscribe } from "./client";
import { ApiError } from "./error";
import { outlineFromColumns } from "./outline";
import * as schemas from "./schemas";

async function request(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, "unreachable", "the server does not answer: is Kestrel running?");
  }
  if (response.ok) return response;
  throw await failure(response);
}

async function failure(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const parsed = v.safeParse(schemas.errorBody, body);
  if (parsed.success) {
    const { code, message } = parsed.output.error;
    return new ApiError(response.status, code, message);
  }
  return new ApiError(response.status, "http", `the server answered ${response.status}`);
}

async function read<S extends v.GenericSchema>(
  url: string,
  schema: S,
  signal?: AbortSignal,
): Promise<v.InferOutput<S>> {
  const response = await request(url, {
    headers: { accept: "application/json" },
    ...(signal ? { signal } : {}),
  });
  return parse(schema, await response.json());
}

function parse<S extends v.GenericSchema>(schema: S, body: unknown): v.InferOutput<S> {
  const parsed = v.safeParse(schema, body);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const place = v.getDotPath(issue) ?? "the answer";
  throw new ApiError(
    0,
    "shape",
    `the server's answer is not understood at ${place}: ${issue.message}`,
  );
}

function listen<S extends v.GenericSchema<unknown, { items: unknown[] }>>(
  url: string,
  event: string,
  schema: S,
  handlers: LiveHandlers<v.InferOutput<S>["items"][number]>,
): Unsubscribe {
  const source = new EventSource(url);
  source.addEventListener("open", () => handlers.onState?.("open"));
  source.addEventListener("error", () => handlers.onState?.("lost"));
  source.addEventListener("reset", () => handlers.onReset());
  source.addEventListener(event, (message: MessageEvent<string>) => {
    handlers.onItems(parse(schema, JSON.parse(message.data)).items);
  });
  return () => source.close();
}

/** Kestrel over HTTP, at the address that this page came from. */
export function httpApi(): KestrelApi {
  return {
    isReady: () =>
      request(apiUrls.ready(), {}).then(
        () => true,
        () => false,
      ),
    projects: (signal) => read(apiUrls.projects(), schemas.projectPage, signal),
    traces: (filters, page, signal) =>
      read(apiUrls.traces(filters, page), schemas.tracePage, signal),
    facets: (filters, signal) => read(apiUrls.facets(filters), schemas.facets, signal),
    trace: (id, signal) => read(apiUrls.trace(id), schemas.traceDetail, signal),
    deleteTrace: async (id) => {
      await request(apiUrls.trace(id), { method: "DELETE" });
    },
    outline: async (id, window, signal) =>
      outlineFromColumns(await read(apiUrls.outline(id, window), schemas.traceOutline, signal)),
    spans: (id, window, signal) => read(apiUrls.spans(id, window), schemas.spanPage, signal),
    search: (id, text, signal) => read(apiUrls.search(id, text), schemas.spanMatches, signal),
    liveTraces: (filters, handlers) =>
      listen(apiUrls.live(filters), "traces", schemas.liveTraces, handlers),
    liveSpans: (id, handlers) =>
      listen(apiUrls.liveTrace(id), "spans", schemas.liveSpans, handlers),
  };
}
