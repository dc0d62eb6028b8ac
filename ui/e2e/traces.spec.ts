/** The list of rollouts, in a browser, over the mock server. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openPage, settled, startBrowser, startSite, type Site } from "./support.ts";

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

const rows = () => page.locator("[data-row]");

describe("traces", () => {
  test("a filter chosen in the box is in the address and survives a reload", async () => {
    await page.goto(`${site.url}/traces`);
    const box = page.getByLabel("Filter rollouts");
    await box.fill("status:trunc");
    await page.getByRole("option", { name: /TRUNCATED/ }).click();
    await page.waitForURL(/status=TRUNCATED/);
    await page.reload();
    await page.getByRole("button", { name: "Remove filter status" }).waitFor();
    await page.getByText("12 rollouts").waitFor();
  });

  test("back undoes a filter", async () => {
    await page.goto(`${site.url}/traces?project=airline`);
    await page.getByRole("button", { name: "Remove filter project" }).click();
    await page.waitForURL(/traces$/);
    await page.goBack();
    await page.waitForURL(/project=airline/);
    await page.getByText("200 rollouts").waitFor();
  });

  test("a click opens the rollout in place and arrow keys walk the list", async () => {
    await page.goto(`${site.url}/traces?project=airline`);
    await rows().nth(2).getByRole("link").click();
    await page.getByRole("region", { name: "transcript" }).waitFor();
    const first = new URL(page.url()).searchParams.get("open");
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(
      (before) => new URL(location.href).searchParams.get("open") !== before,
      first,
    );
    await page.keyboard.press("ArrowUp");
    await page.waitForFunction(
      (before) => new URL(location.href).searchParams.get("open") === before,
      first,
    );
    await page.keyboard.press("Escape");
    await page.waitForURL((url) => !url.searchParams.has("open"));
  });

  test("keys alone: into the list, into a rollout, out again, on from its row", async () => {
    // Of what has ended nothing arrives in between.
    await page.goto(`${site.url}/traces?project=airline&status=COMPLETED`);
    await rows().first().waitFor();
    const focused = () =>
      page.evaluate(() => document.activeElement?.closest("[data-row]")?.getAttribute("data-row"));
    await settled(page);
    await page.keyboard.press("j");
    await expect.poll(focused, POLLING).toBe("0");
    await page.keyboard.press("ArrowDown");
    await expect.poll(focused, POLLING).toBe("1");
    await page.keyboard.press("Enter");
    // Contents are fetched by what hears the keys.
    await page.locator("article p").first().waitFor();
    const first = page.url();
    await page.keyboard.press("n");
    await page.waitForURL((url) => url.href !== first);
    await page.locator("article p").first().waitFor();
    await settled(page);
    await page.keyboard.press("Escape");
    await page.waitForURL((url) => !url.searchParams.has("open"));
    await expect.poll(focused, POLLING).toBe("2");
  });

  test("on a small screen the list is where it was when the rollout is closed", async () => {
    await page.setViewportSize({ width: 400, height: 800 });
    await page.goto(`${site.url}/traces?project=airline&status=COMPLETED`);
    const table = page.getByRole("table", { name: "rollouts" });
    await rows().first().waitFor();
    await table.evaluate((element) => element.scrollTo({ top: 1600 }));
    await page.locator("[data-row='55']").click();
    await page.locator("article p").first().waitFor();
    await page.keyboard.press("Escape");
    await page.waitForURL((url) => !url.searchParams.has("open"));
    await expect.poll(() => table.evaluate((element) => element.scrollTop), POLLING).toBe(1600);
  });

  test("a modifier opens the rollout in a new window", async () => {
    await page.goto(`${site.url}/traces?project=airline`);
    const opened = page.context().waitForEvent("page");
    await rows()
      .nth(1)
      .getByRole("link")
      .click({ modifiers: ["Control"] });
    await (await opened).waitForURL(/\/traces\/[0-9a-f]{32}$/);
  });

  test("sorting is in the address", async () => {
    await page.goto(`${site.url}/traces?project=airline`);
    await page.getByTitle("Sort by turns").click();
    await page.waitForURL(/sort=-turn_count/);
    await page
      .getByRole("columnheader", { name: "Turns" })
      .and(page.locator("[aria-sort=descending]"))
      .waitFor();
  });

  test("new rollouts appear on top without moving what is read", async () => {
    await page.goto(`${site.url}/traces`);
    const table = page.getByRole("table", { name: "rollouts" });
    await rows().first().waitFor();
    await table.evaluate((element) => element.scrollTo({ top: 640 }));
    const place = () =>
      page.evaluate(() => {
        const box = document.querySelector("[role=table]")?.getBoundingClientRect();
        const there = document.elementFromPoint(300, (box?.top ?? 0) + 100);
        return there?.closest("[data-row]")?.querySelector("a")?.textContent;
      });
    await expect.poll(place, POLLING).toBeTruthy();
    const before = await place();
    await page.getByText(/^([3-9]|\d{2,}) new above/).waitFor();
    await expect.poll(place, POLLING).toBe(before);
    await page.getByText(/new above/).click();
    await page
      .getByText(/arrived live/)
      .first()
      .waitFor();
  });

  test("a million rollouts page without a million rows in the document", async () => {
    await page.goto(`${site.url}/p/bulk`);
    await page.getByText("1,000,000 rollouts").waitFor();
    const table = page.getByRole("table", { name: "rollouts" });
    await expect
      .poll(async () => {
        await table.evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
        const shown = await rows().evaluateAll((found) =>
          found.map((row) => Number(row.getAttribute("data-row"))),
        );
        return Math.max(...shown);
      }, POLLING)
      .toBeGreaterThan(600);
    expect(await rows().count()).toBeLessThan(120);
  });

  test("columns are chosen and remembered", async () => {
    await page.goto(`${site.url}/traces`);
    await page.getByRole("button", { name: "Columns" }).click();
    await page.getByRole("menuitemcheckbox", { name: "Environment" }).click();
    await page.getByRole("columnheader", { name: "Environment" }).waitFor();
    await page.reload();
    await page.getByRole("columnheader", { name: "Environment" }).waitFor();
  });
});
