import { screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { project, traceSummary } from "../../test/factories";
import { answer, refuse } from "../../test/msw";
import { renderAt } from "../../test/render";

test("several projects are listed", async () => {
  answer("projects", {
    items: [project(), project({ id: "swe", name: "swe" })],
    next_cursor: null,
    total: null,
  });
  renderAt("/");
  expect(await screen.findByRole("link", { name: "swe" })).toHaveAttribute("href", "/p/swe");
});

test("one project is shown at once", async () => {
  answer("projects", { items: [project()], next_cursor: null, total: null });
  answer("traces", { items: [traceSummary()], next_cursor: null, total: 1 });
  const { router } = renderAt("/");
  await waitFor(() => expect(router.state.location.pathname).toBe("/p/airline"));
});

test("no project: how to log the first rollout", async () => {
  answer("projects", { items: [], next_cursor: null, total: null });
  renderAt("/");
  expect(await screen.findByText("No rollouts yet")).toBeInTheDocument();
});

test("no project yet: the first rollout appears without a reload", async () => {
  answer("projects", { items: [], next_cursor: null, total: null });
  const { router } = renderAt("/");
  expect(await screen.findByText("No rollouts yet")).toBeInTheDocument();
  answer("projects", { items: [project()], next_cursor: null, total: null });
  answer("traces", { items: [traceSummary()], next_cursor: null, total: 1 });
  await waitFor(() => expect(router.state.location.pathname).toBe("/p/airline"));
});

test("failed: the server's words", async () => {
  refuse("projects", 503, "the store does not answer");
  renderAt("/");
  expect(await screen.findByText("the store does not answer")).toBeInTheDocument();
});

test("an address that leads nowhere says so", async () => {
  renderAt("/nowhere");
  expect(await screen.findByText("There is no such page")).toBeInTheDocument();
});
