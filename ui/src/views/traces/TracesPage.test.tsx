import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test } from "vitest";
import { traceSummary } from "../../test/factories";
import { answer, comeBack, goAway, hang, refuse } from "../../test/msw";
import { renderAt } from "../../test/render";

const two = {
  items: [traceSummary(), traceSummary({ trace_id: "b".repeat(32), first_message: "Book a seat" })],
  next_cursor: null,
  total: 2,
};

describe("list of rollouts", () => {
  test("loaded: one row a rollout, named by its first message, with a count", async () => {
    answer("traces", two);
    renderAt("/traces");
    expect(await screen.findByRole("link", { name: "Cancel my flight" })).toHaveAttribute(
      "href",
      `/traces/${"a".repeat(32)}`,
    );
    expect(screen.getByText("2 rollouts")).toBeInTheDocument();
  });

  test("loading: a skeleton, and no count that is not known", async () => {
    hang("traces");
    renderAt("/traces");
    expect(await screen.findByRole("status", { name: "loading rollouts" })).toBeInTheDocument();
    expect(screen.queryByText("0 rollouts")).not.toBeInTheDocument();
  });

  test("empty: a program with this server's address", async () => {
    answer("traces", { items: [], next_cursor: null, total: 0 });
    renderAt("/traces");
    expect(await screen.findByText(/No rollouts yet/)).toBeInTheDocument();
    await waitFor(() => expect(document.body).toHaveTextContent(window.location.origin));
  });

  test("nothing matches: says which filters, and clears them", async () => {
    answer("traces", { items: [], next_cursor: null, total: 0 });
    const { router } = renderAt("/traces?status=ERROR&q=zzz");
    expect(await screen.findByText(/narrowed by status, text/)).toBeInTheDocument();
    answer("traces", two);
    await userEvent.click(screen.getByRole("button", { name: "Clear all filters" }));
    await waitFor(() => expect(router.state.location.searchStr).toBe(""));
  });

  test("failed: the server's words, and a way to try again", async () => {
    refuse("traces", 400, "min_score must be a number");
    renderAt("/traces?min_score=x");
    expect(await screen.findByText("min_score must be a number")).toBeInTheDocument();
    answer("traces", two);
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("2 rollouts")).toBeInTheDocument();
  });

  test("failed after it was shown: the rows stay, with what is wrong above them", async () => {
    answer("traces", two);
    const { router } = renderAt("/traces");
    await screen.findByText("2 rollouts");
    refuse("traces", 503, "the store does not answer");
    await router.navigate({ to: "/traces", search: { status: ["ERROR"] } });
    expect(
      await screen.findByText(/Not up to date: the store does not answer/, undefined, {
        timeout: 15_000,
      }),
    ).toBeInTheDocument();
    expect(screen.getByRole("link", { name: "Cancel my flight" })).toBeInTheDocument();
  });

  test("a server that was away is asked again by itself once it is back", async () => {
    goAway();
    renderAt("/traces");
    expect(await screen.findByText(/the server does not answer/)).toBeInTheDocument();
    comeBack();
    answer("traces", two);
    expect(await screen.findByText("2 rollouts", undefined, { timeout: 20_000 })).toBeVisible();
  });

  test("an order that the server does not know can be left", async () => {
    refuse("traces", 400, "sort must be one of started_at, score");
    const { router } = renderAt("/traces?sort=wibble");
    const clear = await screen.findByRole("button", { name: "Clear all filters" });
    answer("traces", two);
    await userEvent.click(clear);
    expect(await screen.findByText("2 rollouts")).toBeInTheDocument();
    expect(router.state.location.searchStr).toBe("");
  });

  test("a field named in the box says what to type", async () => {
    answer("traces", two);
    answer("facets", []);
    renderAt("/traces");
    await userEvent.type(await screen.findByLabelText("Filter rollouts"), "score at least:");
    expect(await screen.findByText(/Type a number/)).toBeInTheDocument();
  });

  test("keys: a slash goes to the filters, a question mark lists the keys", async () => {
    answer("traces", two);
    answer("facets", []);
    renderAt("/traces");
    await screen.findByText("2 rollouts");
    await userEvent.keyboard("/");
    expect(screen.getByLabelText("Filter rollouts")).toHaveFocus();
    await userEvent.keyboard("{Escape}?");
    expect(await screen.findByRole("dialog", { name: "Keys" })).toBeInTheDocument();
  });

  test("failed because of a filter: the filters can be cleared", async () => {
    refuse("traces", 400, "metadata must be `key=value`");
    const { router } = renderAt("/traces?metadata=x");
    const clear = await screen.findByRole("button", { name: "Clear all filters" });
    answer("traces", two);
    await userEvent.click(clear);
    expect(await screen.findByText("2 rollouts")).toBeInTheDocument();
    expect(router.state.location.searchStr).toBe("");
  });

  test("a filter is removed by its cross", async () => {
    answer("traces", two);
    const { router } = renderAt("/traces?model=gpt-4o&sort=-score");
    await userEvent.click(await screen.findByRole("button", { name: "Remove filter model" }));
    await waitFor(() => expect(router.state.location.searchStr).toBe("?sort=-score"));
  });
});

describe("project", () => {
  test("without rollouts says so by its name", async () => {
    answer("traces", { items: [], next_cursor: null, total: 0 });
    renderAt("/p/nowhere");
    expect(await screen.findByText(/No rollout of project/)).toHaveTextContent("nowhere");
  });

  test("is the list of its rollouts at an address of its own", async () => {
    answer("traces", two);
    const { router } = renderAt("/p/airline");
    await screen.findByText("2 rollouts");
    expect(screen.getByRole("button", { name: "Remove filter project" })).toBeInTheDocument();
    expect(router.state.location.pathname).toBe("/p/airline");
  });
});
