import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test } from "vitest";
import type { Span } from "../../api/types";
import type { SpanOutline } from "../../api/types";
import { span, spanOutline, traceDetail, traceSummary } from "../../test/factories";
import { outlineColumns } from "../../test/outlineColumns";
import { answer, answerWith, hang, refuse } from "../../test/msw";
import { renderAt } from "../../test/render";

const ID = "a".repeat(32);

const spans: Span[] = [
  span({ span_id: "root", item_type: "rollout", span_kind: "rollout", span_name: "rollout" }),
  span({ span_id: "ask", parent_span_id: "root", role: "user", content: "Cancel **my** flight" }),
  span({
    span_id: "call",
    parent_span_id: "root",
    role: "assistant",
    content: null,
    reasoning: "I need the reservation first.",
    input_tokens: 1234,
    tool_calls: [
      { id: "c1", function: { name: "find", arguments: '{"id":"R1"}' } },
      { id: "c2", function: { name: "never_run", arguments: "{}" } },
    ],
  }),
  span({
    span_id: "tool",
    parent_span_id: "root",
    item_type: "tool",
    span_kind: "tool",
    span_name: "tool.find",
    name: "find",
    call_id: "c1",
    arguments: '{"id":"R1"}',
    result: "found it",
  }),
];

function serve(over: Partial<Parameters<typeof traceDetail>[0]> = {}): void {
  answer(`traces/${ID}`, traceDetail(over));
  answer("traces", { items: [], next_cursor: null, total: null });
  answer(`traces/${ID}/spans`, {
    items: spans,
    offset: 0,
    total: 4,
    next_cursor: null,
    previous_cursor: null,
  });
  answerOutline(
    spans.map((each) =>
      spanOutline({
        span_id: each.span_id,
        parent_span_id: each.parent_span_id,
        item_type: each.item_type,
        span_kind: each.span_kind,
        span_name: each.span_name,
        role: each.role ?? null,
        call_id: each.call_id ?? null,
      }),
    ),
  );
}

function answerOutline(items: SpanOutline[]): void {
  answer(`traces/${ID}/outline`, outlineColumns({ items, offset: 0, total: items.length }));
}

describe("page of a rollout", () => {
  test("loaded: header, messages as markdown, reasoning apart", async () => {
    serve();
    renderAt(`/traces/${ID}`);
    expect(
      await screen.findByRole("heading", { level: 1, name: "Cancel my flight" }),
    ).toBeInTheDocument();
    expect(await screen.findByText("my", { selector: "strong" })).toBeInTheDocument();
    expect(screen.getByRole("complementary", { name: "reasoning" })).toHaveTextContent(
      "reservation first",
    );
  });

  test("what a window of large spans leaves out is fetched by itself", async () => {
    serve();
    // Of any window there is room for the first span only.
    answerWith(`traces/${ID}/spans`, (query) => {
      const offset = Number(query.get("offset"));
      const items = spans.slice(offset, offset + 1);
      return { items, offset, total: 4, next_cursor: null, previous_cursor: null };
    });
    renderAt(`/traces/${ID}`);
    expect(await screen.findByText("my", { selector: "strong" })).toBeInTheDocument();
    expect(await screen.findByRole("complementary", { name: "reasoning" })).toHaveTextContent(
      "reservation first",
    );
  });

  test("enter goes to the first match once it is known", async () => {
    serve();
    answer(`traces/${ID}/search`, {
      items: [{ span_id: "call", index: 2, count: 1 }],
      truncated: false,
    });
    renderAt(`/traces/${ID}`);
    await screen.findByRole("article", { name: "assistant" });
    await userEvent.keyboard("/");
    await userEvent.type(await screen.findByLabelText("Search in this rollout"), "first{Enter}");
    expect(await screen.findByText(/^1 of 1/)).toBeInTheDocument();
  });

  test("a call with an execution is shown once, as a card; one without says so", async () => {
    serve();
    renderAt(`/traces/${ID}`);
    const card = await screen.findByRole("article", { name: "tool" });
    await userEvent.click(await within(card).findByRole("button", { name: /find/ }));
    expect(within(card).getByRole("region", { name: "result" })).toHaveTextContent("found it");
    const asking = screen.getByRole("article", { name: "assistant" });
    expect(asking).toHaveTextContent("not executed");
    expect(within(asking).queryByText("find")).not.toBeInTheDocument();
  });

  test("keys walk the items and put them into the address", async () => {
    serve();
    const { router } = renderAt(`/traces/${ID}`);
    await screen.findByText("my", { selector: "strong" });
    await userEvent.keyboard("t");
    await waitFor(() => expect(router.state.location.searchStr).toBe("?item=tool"));
    await userEvent.keyboard("k");
    await waitFor(() => expect(router.state.location.searchStr).toBe("?item=call"));
  });

  test("an error of the rollout shows its message, and the traceback folded", async () => {
    serve({ status: "ERROR", error_message: "boom", traceback: "Traceback: line 1" });
    renderAt(`/traces/${ID}`);
    const end = await screen.findByRole("contentinfo");
    expect(within(end).getByText("boom")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: /error boom/ })).toBeInTheDocument();
    expect(screen.queryByText("Traceback: line 1")).not.toBeInTheDocument();
  });

  test("the details of an item say exactly what its gutter rounds", async () => {
    serve();
    renderAt(`/traces/${ID}?item=call`);
    await screen.findByText("my", { selector: "strong" });
    await userEvent.keyboard("]");
    await userEvent.click(await screen.findByRole("tab", { name: "Item" }));
    expect(await screen.findByRole("row", { name: "tokens in 1,234" })).toBeInTheDocument();
  });

  test("criteria that came as spans are in their grade", async () => {
    const graded = [
      span({ span_id: "g", item_type: "grade", span_kind: "grader", score: 0.5 }),
      span({
        span_id: "c",
        parent_span_id: "g",
        item_type: "criterion",
        name: "politeness",
        passed: false,
        score: 0,
      }),
    ];
    serve();
    answer(`traces/${ID}/spans`, { items: graded, offset: 0, total: 2 });
    answerOutline(
      graded.map(({ span_id, parent_span_id, item_type, span_kind }) =>
        spanOutline({ span_id, parent_span_id, item_type, span_kind, role: null }),
      ),
    );
    renderAt(`/traces/${ID}`);
    expect(await screen.findByRole("cell", { name: "politeness" })).toBeInTheDocument();
    expect(screen.getAllByRole("article")).toHaveLength(1);
  });

  test("loading: a skeleton", async () => {
    hang(`traces/${ID}`);
    hang(`traces/${ID}/outline`);
    hang(`traces/${ID}/spans`);
    renderAt(`/traces/${ID}`);
    expect(await screen.findByRole("status", { name: "loading the rollout" })).toBeInTheDocument();
  });

  test("loading beside the list: Escape leads back at once", async () => {
    serve();
    answer("traces", { items: [traceSummary()], next_cursor: null, total: 1 });
    hang(`traces/${ID}`);
    const { router } = renderAt(`/traces?open=${ID}`);
    await screen.findByRole("status", { name: "loading the rollout" });
    // Its code may be on its way as well.
    await waitFor(async () => {
      await userEvent.keyboard("{Escape}");
      expect(router.state.location.searchStr).toBe("");
    });
  });

  test("not found: says what may have happened and leads on", async () => {
    for (const part of ["", "/outline", "/spans"])
      refuse(`traces/${ID}${part}`, 404, "there is no trace");
    renderAt(`/traces/${ID}`);
    expect(await screen.findByText("No such rollout")).toBeInTheDocument();
    expect(screen.getByRole("link", { name: "All rollouts" })).toHaveAttribute("href", "/traces");
  });

  test("failed: the server's words", async () => {
    for (const part of ["", "/outline", "/spans"])
      refuse(`traces/${ID}${part}`, 503, "the store does not answer");
    renderAt(`/traces/${ID}`);
    expect(await screen.findByText("the store does not answer")).toBeInTheDocument();
  });
});
