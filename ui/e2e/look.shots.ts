/** Pictures of every page and state, to be looked at: `npm run shots`. */
import { mkdir } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { LARGE_ID } from "./mock/large.ts";
import { CODING_ID, loadWorld, RUNNING_ID } from "./mock/world.ts";
import { openPage, startBrowser, startSite, type Site } from "./support.ts";

const FOLDER = process.env["SHOTS"] ?? "e2e/shots";
const ONLY = process.env["ONLY"];

interface Shot {
  name: string;
  path: string;
  act?: (page: Page) => Promise<void>;
  empty?: boolean;
}

const SHOTS: Shot[] = [
  { name: "list", path: "/traces" },
  {
    name: "list-filtered",
    path: "/traces?project=airline&status=COMPLETED&tags=baseline&min_score=0.5&sort=-cost_usd",
  },
  {
    name: "list-suggest",
    path: "/traces",
    act: async (page) => {
      await page.getByLabel("Filter rollouts").fill("air");
      await page.waitForTimeout(400);
    },
  },
  {
    name: "list-chip",
    path: "/traces?status=COMPLETED",
    act: async (page) => {
      await page.getByTitle("COMPLETED", { exact: true }).first().click();
      await page.waitForTimeout(400);
    },
  },
  {
    name: "split",
    path: `/traces?project=airline`,
    act: async (page) => {
      await page.locator("[data-row='3'] a").click();
      await page.waitForTimeout(900);
    },
  },
  { name: "none-match", path: "/traces?status=STEP_ERROR&q=zzz" },
  { name: "empty", path: "/", empty: true },
  { name: "home", path: "/" },
  { name: "airline", path: "/traces/@airline" },
  { name: "coding", path: `/traces/${CODING_ID}` },
  {
    name: "coding-open",
    path: `/traces/${CODING_ID}`,
    act: async (page) => {
      await page.keyboard.press("f");
      await page.keyboard.press("f");
      await page.waitForTimeout(600);
    },
  },
  {
    name: "coding-mid",
    path: `/traces/${CODING_ID}?item=c0de00000000000a`,
    act: async (page) => {
      await page.keyboard.press("f");
      await page.keyboard.press("f");
      await page.keyboard.press("e");
      await page.waitForTimeout(600);
    },
  },
  {
    name: "coding-end",
    path: `/traces/${CODING_ID}`,
    act: async (page) => {
      await page.keyboard.press("G");
      await page.waitForTimeout(600);
    },
  },
  {
    name: "coding-find",
    path: `/traces/${CODING_ID}?find=monotonic`,
    act: async (page) => {
      await page.getByLabel("Search in this rollout").last().press("Enter");
      await page.waitForTimeout(700);
    },
  },
  { name: "running", path: `/traces/${RUNNING_ID}` },
  { name: "large", path: `/traces/${LARGE_ID}` },
  { name: "bulk", path: "/p/bulk" },
  { name: "missing", path: "/traces/ffffffffffffffffffffffffffffffff" },
  { name: "nopage", path: "/nothing/here" },
  {
    name: "loading",
    path: "/traces",
    act: async (page) => {
      await page.route("**/api/v1/traces?**", () => undefined);
      await page.reload();
      await page.waitForTimeout(500);
    },
  },
  {
    name: "failed",
    path: "/traces",
    act: async (page) => {
      await page.route("**/api/v1/traces?**", (route) =>
        route.fulfill({
          status: 400,
          json: {
            error: {
              message: "min_score must be a number; give something like 0.5",
              type: "invalid_request",
              code: "bad_filter",
            },
          },
        }),
      );
      await page.reload();
      await page.waitForTimeout(600);
    },
  },
  {
    name: "trace-loading",
    path: "/",
    act: async (page) => {
      await page.route("**/outline?**", () => undefined);
      await page.goto(page.url().replace(/\/$/, `/traces/${CODING_ID}`));
      await page.waitForTimeout(500);
    },
  },
];

let full: Site;
let empty: Site;

beforeAll(async () => {
  await mkdir(FOLDER, { recursive: true });
  full = await startSite();
  empty = await startSite(await loadWorld(true));
});

afterAll(async () => {
  await full.close();
  await empty.close();
});

test("pictures", { timeout: 600_000 }, async () => {
  const browser = await startBrowser();
  const airline =
    full.world.rollouts.find(
      (rollout) => rollout.detail.project === "airline" && rollout.spans.length > 20,
    )?.detail.trace_id ?? "";
  for (const [theme, width] of [
    ["dark", 1600],
    ["light", 1600],
    ["light", 400],
    ["dark", 400],
  ] as const) {
    for (const shot of SHOTS) {
      const name = `${shot.name}-${theme}-${width}`;
      if (ONLY && !new RegExp(ONLY).test(name)) continue;
      const { page, problems } = await openPage(browser, {
        colorScheme: theme,
        viewport: { width, height: width === 400 ? 800 : 1000 },
      });
      await page.goto((shot.empty ? empty : full).url + shot.path.replace("@airline", airline));
      await page.waitForTimeout(900);
      await shot.act?.(page);
      await page.screenshot({ path: `${FOLDER}/${name}.png` });
      if (problems.length > 0) console.log(name, problems.slice(0, 3));
      await page.context().close();
    }
  }
  await browser.close();
});
