/** The page of one rollout, in a browser, over the mock server. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { LARGE_ID } from "./mock/large.ts";
import { CODING_ID, RUNNING_ID } from "./mock/world.ts";
import { openPage, startBrowser, startSite, type Site } from "./support.ts";

/** What comes by and by may take its time on a busy machine. */
const POLLING = { timeout: 45_000 };

let site: Site;
let browser: Browser;
let page: Page;
let problems: string[];

beforeAll(async () => {
  process.env["MOCK_LIVE_MS"] = "300";
  site = await startSite();
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  await site.close();
});

beforeEach(async () => {
  ({ page, problems } = await openPage(browser));
});

afterEach(async () => {
  expect(problems).toEqual([]);
  await page.context().close();
});

const selected = () => page.locator("article[data-selected]");
const transcript = () => page.getByRole("region", { name: "transcript" });
/** Items are laid out after everything else is in place, keys included. */
const loaded = () => transcript().locator("article").first().waitFor();

describe("trace", () => {
  test("j and k walk the items and the address follows", async () => {
    await page.goto(`${site.url}/traces/${CODING_ID}`);
    await loaded();
    await page.keyboard.press("j");
    await page.waitForURL(/item=/);
    const first = page.url();
    await page.keyboard.press("j");
    await page.waitForURL((url) => url.href !== first);
    await page.keyboard.press("k");
    await page.waitForURL(first);
  });

  test("e goes to the error, which shows its message and folds its traceback", async () => {
    await page.goto(`${site.url}/traces/${CODING_ID}`);
    await loaded();
    await page.keyboard.press("e");
    await selected().getByText("TimeoutError: no output for 30 s").waitFor();
    expect(await selected().getByText("asyncio.wait_for").count()).toBe(0);
    await selected()
      .getByRole("button", { name: /traceback/ })
      .click();
    await selected().getByText("asyncio.wait_for").waitFor();
  });

  test("a tool call and its execution are one card", async () => {
    await page.goto(`${site.url}/traces/${CODING_ID}`);
    await loaded();
    await page.keyboard.press("t");
    await selected().waitFor();
    expect(
      await page.getByRole("article", { name: "tool" }).filter({ hasText: "read_file" }).count(),
    ).toBe(1);
    await page.keyboard.press("o");
    await selected().getByText("import pytest").waitFor();
  });

  test("search finds folded content and opens it", async () => {
    await page.goto(`${site.url}/traces/${CODING_ID}`);
    await loaded();
    await page.keyboard.press("/");
    await page.keyboard.type("guideline number 24");
    await page.getByText("1 item, 1 hit").waitFor();
    await page.keyboard.press("Enter");
    await selected().getByText("Guideline number 24").waitFor();
    await page.waitForURL(/find=guideline/);
  });

  test("on a small screen the search says which match it is at", async () => {
    await page.setViewportSize({ width: 400, height: 800 });
    await page.goto(`${site.url}/traces/${CODING_ID}?find=monotonic`);
    await page.getByLabel("Search in this rollout").last().press("Enter");
    await page
      .getByRole("status")
      .getByText(/^1 of \d/)
      .waitFor();
  });

  test("an address with an item opens at that item", async () => {
    const spans = site.world.source(CODING_ID);
    const id = spans?.span(spans.total - 1).span_id ?? "";
    await page.goto(`${site.url}/traces/${CODING_ID}?item=${id}`);
    await selected().waitFor();
    await expect
      .poll(async () => (await selected().boundingBox())?.y ?? -1, POLLING)
      .toSatisfy((top: number) => top >= 0 && top < 900);
  });

  test("grades show criteria and fold the grader's own calls", async () => {
    await page.goto(`${site.url}/traces/${CODING_ID}`);
    await loaded();
    await page.keyboard.press("G");
    await page.getByRole("cell", { name: "the message says what, not why" }).waitFor();
    await page.getByRole("button", { name: "2 messages of the grader" }).click();
    await page.getByText("Judge the patch by the rubric").waitFor();
  });

  test("a foreign model call shows only what is new", async () => {
    await page.goto(`${site.url}/traces/${CODING_ID}`);
    await loaded();
    await page
      .getByRole("treeitem", { name: /chat gpt-4o-mini/ })
      .last()
      .click();
    await selected().getByRole("button", { name: "Show 2 messages of the calls before" }).waitFor();
    expect(await selected().getByText("Which commit introduced").count()).toBe(0);
  });

  test("a running rollout grows and follows only while the reader is at the end", async () => {
    await page.goto(`${site.url}/traces/${RUNNING_ID}`);
    await loaded();
    const height = () => transcript().evaluate((element) => element.scrollHeight);
    const toEnd = () =>
      transcript().evaluate(
        (element) => element.scrollHeight - element.clientHeight - element.scrollTop,
      );
    const before = await height();
    await expect.poll(height, POLLING).toBeGreaterThan(before);
    expect(await transcript().evaluate((element) => element.scrollTop)).toBe(0);
    // Rows that come into view are measured, which moves the end.
    await expect
      .poll(async () => {
        await transcript().evaluate((element) => {
          element.scrollTo({ top: element.scrollHeight });
          return new Promise((resolve) =>
            requestAnimationFrame(() => requestAnimationFrame(resolve)),
          );
        });
        return toEnd();
      }, POLLING)
      .toBeLessThan(20);
    const end = await height();
    await expect.poll(height, POLLING).toBeGreaterThan(end + 600);
    await expect.poll(toEnd, POLLING).toBeLessThan(500);
    await page
      .getByText(/still working on it/)
      .last()
      .waitFor();
  });

  test("deleting names what will be gone and leads back to the list", async () => {
    const victim = site.world.rollouts.at(-1)?.detail.trace_id ?? "";
    await page.goto(`${site.url}/traces/${victim}`);
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: /Delete/ }).click();
    await page
      .getByRole("dialog")
      .getByText(/will be gone for good/)
      .waitFor();
    await page.getByRole("button", { name: /^Delete \d+ spans/ }).click();
    await page.waitForURL(/\/traces(\?|$)/);
    expect(site.world.source(victim)).toBeNull();
  });
});

describe("a trace with 100,000 spans", () => {
  test("shows its first screen within a second and scrolls without growing", async () => {
    await page.goto(`${site.url}/traces/${CODING_ID}`);
    await loaded();
    const before = Date.now();
    await page.goto(`${site.url}/traces/${LARGE_ID}`);
    await page.getByText("Item 1:").first().waitFor();
    const first = Date.now() - before;
    await page.getByText(/spans listed/).waitFor({ state: "detached" });
    const articles = page.locator("article");
    for (const share of [0.2, 0.5, 0.8, 1, 0.4]) {
      await transcript().evaluate(
        (element, to) => element.scrollTo({ top: element.scrollHeight * to }),
        share,
      );
      await page.locator("article p").first().waitFor();
    }
    expect(await articles.count()).toBeLessThan(60);
    console.log(`first screen of 100,000 spans after ${first} ms`);
    await page.keyboard.press("G");
    await page.getByText("Item 99998:").waitFor();
  });

  test("opens at an item far inside", async () => {
    const id = (77_776).toString(16).padStart(16, "0");
    await page.goto(`${site.url}/traces/${LARGE_ID}?item=${id}`);
    await selected().getByText("Item 77776:").waitFor();
  });
});
