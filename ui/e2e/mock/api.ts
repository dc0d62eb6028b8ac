/** The API of Kestrel over a made-up world, as a middleware. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TraceSummary } from "../../src/api/types.ts";
import { outlineColumns } from "../../src/test/outlineColumns.ts";
import { parseFilters, parseQuery, type TraceFilters } from "../../src/urls.ts";
import type { World } from "./world.ts";

export { loadWorld } from "./world.ts";

type Next = () => void;
type Answer = (value: unknown, status?: number) => void;

export function createApi(world: World) {
  return (request: IncomingMessage, response: ServerResponse, next: Next): void => {
    const url = new URL(request.url ?? "/", "http://mock");
    if (!url.pathname.startsWith("/api/v1/")) return next();
    const answer: Answer = (value, status = 200) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(status === 204 ? undefined : JSON.stringify(value));
    };
    const path = url.pathname.slice("/api/v1/".length).split("/").map(decodeURIComponent);
    if (path[0] === "live") return live(world, url, response);
    route(world, path, url, request.method ?? "GET", answer);
  };
}

function route(world: World, path: string[], url: URL, method: string, answer: Answer): void {
  const query = url.searchParams;
  const [head, id, part] = path;
  if (head === "projects")
    return answer({ items: projects(world), next_cursor: null, total: null });
  if (head === "facets") return answer(facets(world, filtersOf(url)));
  if (head !== "traces") return notFound(answer);
  if (id === undefined) return answer(list(world, filtersOf(url), query));
  const source = world.source(id);
  if (!source) return notFound(answer);
  if (method === "DELETE") {
    world.delete(id);
    return answer(null, 204);
  }
  const offset = Number(query.get("offset") ?? 0);
  const limit = Number(query.get("limit") ?? 50);
  const places = Array.from(
    { length: Math.max(0, Math.min(limit, source.total - offset)) },
    (_, n) => offset + n,
  );
  if (part === "outline")
    return answer(
      outlineColumns({ items: places.map(source.outline), offset, total: source.total }),
    );
  if (part === "spans")
    return answer({
      items: places.map(source.span),
      offset,
      total: source.total,
      next_cursor: null,
      previous_cursor: null,
    });
  if (part === "search") return answer(search(source, (query.get("q") ?? "").toLowerCase()));
  answer(source.detail);
}

function notFound(answer: Answer): void {
  answer(
    {
      error: {
        message: "no rollout has this id; it may have been deleted",
        type: "not_found",
        code: "trace_not_found",
      },
    },
    404,
  );
}

function filtersOf(url: URL): TraceFilters {
  return parseFilters(parseQuery(url.search));
}

function list(world: World, filters: TraceFilters, query: URLSearchParams) {
  const limit = Number(query.get("limit") ?? 50);
  const offset = Number(query.get("cursor") ?? 0);
  const counted = query.get("count") === "true";
  if (filters.project?.[0] === "bulk") {
    const items = Array.from({ length: Math.min(limit, world.bulkSize - offset) }, (_, n) =>
      world.bulk(offset + n),
    );
    const next = offset + items.length;
    return {
      items,
      next_cursor: next < world.bulkSize ? String(next) : null,
      total: counted ? world.bulkSize : null,
    };
  }
  const found = sorted(
    world.summaries().filter((trace) => matches(trace, filters)),
    query.get("sort") ?? "-started_at",
  );
  const items = found.slice(offset, offset + limit);
  const next = offset + items.length;
  return {
    items,
    next_cursor: next < found.length ? String(next) : null,
    total: counted ? found.length : null,
  };
}

function sorted(traces: TraceSummary[], sort: string): TraceSummary[] {
  const descending = sort.startsWith("-");
  const key = sort.replace(/^-/, "");
  const value = (trace: TraceSummary) => Object.entries(trace).find(([name]) => name === key)?.[1];
  return [...traces].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    const order =
      typeof x === "number" && typeof y === "number"
        ? x - y
        : String(x ?? "").localeCompare(String(y ?? ""));
    return descending ? -order : order;
  });
}

function fieldValues(trace: TraceSummary, field: string): string[] {
  switch (field) {
    case "model":
      return [trace.model_name, ...trace.models].filter((value) => value !== null);
    case "tags":
    case "any_tags":
      return trace.tags;
    default: {
      const value: unknown = Object.entries(trace).find(([name]) => name === field)?.[1];
      if (typeof value === "number") return [String(value)];
      return typeof value === "string" ? [value] : [];
    }
  }
}

function matches(trace: TraceSummary, filters: TraceFilters): boolean {
  return Object.entries(filters).every(([field, wanted]) => {
    if (field === "metadata") return true;
    if (Array.isArray(wanted)) {
      const values = [...new Set(fieldValues(trace, field))];
      return field === "tags"
        ? wanted.every((value) => values.includes(value))
        : wanted.some((value) => values.includes(value));
    }
    return matchesSingle(trace, field, wanted);
  });
}

function matchesSingle(trace: TraceSummary, field: string, wanted: string): boolean {
  switch (field) {
    case "q":
      return JSON.stringify(trace).toLowerCase().includes(wanted.toLowerCase());
    case "min_score":
      return trace.score !== null && trace.score >= Number(wanted);
    case "max_score":
      return trace.score !== null && trace.score <= Number(wanted);
    case "from":
      return trace.started_at >= wanted;
    case "to":
      return trace.started_at <= wanted;
    default:
      return true;
  }
}

function facets(world: World, filters: TraceFilters) {
  const fields = [
    "model",
    "status",
    "state",
    "tags",
    "phase",
    "project",
    "run_id",
    "step_number",
    "datapoint_id",
    "env_name",
    "grader_name",
  ];
  return fields.map((field) => {
    const others: TraceFilters = Object.fromEntries(
      Object.entries(filters).filter(([name]) => name !== field),
    );
    const counts = new Map<string, number>();
    for (const trace of world.summaries().filter((one) => matches(one, others))) {
      for (const value of new Set(fieldValues(trace, field)))
        counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const values = [...counts]
      .map(([value, count]) => ({ value, count }))
      .sort((a, b) => b.count - a.count);
    return { field, values: values.slice(0, 100) };
  });
}

function projects(world: World) {
  const names = [...new Set(world.summaries().map((trace) => trace.project))];
  const known = names.map((name) => {
    const own = world.summaries().filter((trace) => trace.project === name);
    return {
      id: name,
      name,
      created_at: null,
      trace_count: own.length,
      last_trace_at: own[0]?.started_at ?? null,
      url: `/p/${name}`,
    };
  });
  if (known.length === 0) return [];
  return [
    ...known,
    {
      id: "bulk",
      name: "bulk",
      created_at: null,
      trace_count: world.bulkSize,
      last_trace_at: world.bulk(0).started_at,
      url: "/p/bulk",
    },
  ];
}

function search(
  source: { total: number; span: (index: number) => { span_id: string } },
  text: string,
) {
  const items = [];
  for (let index = 0; index < Math.min(source.total, 20_000) && items.length < 1000; index += 1) {
    const span = source.span(index);
    const count = JSON.stringify(span).toLowerCase().split(text).length - 1;
    if (text !== "" && count > 0) items.push({ span_id: span.span_id, index, count });
  }
  return { items, truncated: items.length === 1000 };
}

function live(world: World, url: URL, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(": open\n\n");
  const trace = url.searchParams.get("trace_id");
  let count = 0;
  const timer = setInterval(
    () => {
      count += 1;
      if (trace === null) {
        const [template] = world.summaries();
        if (!template) return;
        const fresh = {
          ...template,
          trace_id: `11fe${Date.now().toString(16).padStart(28, "0")}`,
          name: `arrived live ${count}`,
          started_at: new Date().toISOString(),
          state: "running",
          status: "PENDING",
          score: null,
        };
        response.write(
          `event: traces\ndata: ${JSON.stringify({ items: matches(fresh, filtersOf(url)) ? [fresh] : [] })}\n\n`,
        );
        return;
      }
      const rollout = world.rollouts.find(({ detail }) => detail.trace_id === trace);
      const last = rollout?.spans.at(-1);
      if (!rollout || !last) return;
      const at = new Date().toISOString();
      const span = {
        ...last,
        span_id: `11fe${String(rollout.spans.length).padStart(12, "0")}`,
        parent_span_id: rollout.spans[0]?.span_id ?? null,
        item_type: "message",
        span_kind: "message",
        span_name: "message.assistant",
        role: "assistant",
        content: `Step ${count}: still working on it.`,
        turn_index: last.turn_index + 1,
        logged_at: at,
        started_at: at,
        ended_at: at,
        duration_ms: 400,
        status: "ok",
      };
      rollout.spans.push(span);
      rollout.detail.span_count = rollout.spans.length;
      response.write(`event: spans\ndata: ${JSON.stringify({ items: [span] })}\n\n`);
    },
    Number(process.env["MOCK_LIVE_MS"] ?? 2500),
  );
  response.on("close", () => clearInterval(timer));
}
