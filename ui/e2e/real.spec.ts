/** The pages over a real server that holds rollouts; runs where `KESTREL_URL` leads to one. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPage, startBrowser } from "./support.ts";

const url = process.env["KESTREL_URL"];

describe.skipIf(url === undefined)("a real server", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
  });

  afterAll(() => browser.close());

  test("lists rollouts, opens one in place and on its own page", async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(`${url}/traces`);
    await page.locator("[data-row='0'] a").click();
    await page.getByRole("region", { name: "transcript" }).locator("article").first().waitFor();
    await page.getByRole("link", { name: "Open on its own" }).click();
    await page.waitForURL(/\/traces\/[0-9a-f]{32}/);
    await page.locator("article").first().waitFor();
    await page.keyboard.press("j");
    await page.waitForURL(/item=/);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("a filtered list pages as it is scrolled", async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(`${url}/traces?status=COMPLETED`);
    await page.locator("[data-row='0'] a").hover();
    await expect
      .poll(
        async () => {
          await page.mouse.wheel(0, 4000);
          return page
            .locator("[data-row]")
            .evaluateAll(
              (rows) =>
                rows.map((row) => Number(row.getAttribute("data-row"))).sort((a, b) => b - a)[0],
            );
        },
        { timeout: 60_000 },
      )
      .toBeGreaterThan(300);
    expect(await page.locator("[data-row]").count()).toBeLessThan(200);
    await page.getByText("Completed").first().waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("its longest rollout shows a first screen and can be scrolled to its end", async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(`${url}/traces?sort=-span_count`);
    await page.locator("[data-row='0'] a").waitFor();
    const href = await page.locator("[data-row='0'] a").getAttribute("href");
    const before = Date.now();
    await page.goto(`${url}${href}`);
    await page.locator("article p").first().waitFor();
    console.log(`first screen of the longest rollout after ${Date.now() - before} ms`);
    await page.getByText(/spans listed/).waitFor({ state: "detached" });
    await page.keyboard.press("G");
    await page.locator("article[data-selected]").waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
