/** What an accessibility checker finds, and whether anything scrolls sideways on a small screen. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CODING_ID, loadWorld } from "./mock/world.ts";
import { openPage, startBrowser, startSite, type Site } from "./support.ts";

const PAGES = [
  { name: "list", path: "/traces?status=COMPLETED" },
  { name: "split", path: `/traces?project=swe&open=${CODING_ID}` },
  { name: "rollout", path: `/traces/${CODING_ID}` },
  { name: "search", path: `/traces/${CODING_ID}?find=clock` },
  { name: "projects", path: "/" },
  { name: "nothing found", path: "/traces?q=zzzz" },
  { name: "no such rollout", path: "/traces/ffffffffffffffffffffffffffffffff" },
  { name: "no such page", path: "/nowhere" },
];

let site: Site;
let empty: Site;
let browser: Browser;
let axe: string;

beforeAll(async () => {
  site = await startSite();
  empty = await startSite(await loadWorld(true));
  browser = await startBrowser();
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
});

afterAll(async () => {
  await browser.close();
  await site.close();
  await empty.close();
});

interface Finding {
  id: string;
  impact: string | null;
  nodes: { target: string[] }[];
}

async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found: Finding[] = await page.evaluate("axe.run().then((result) => result.violations)");
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ target }) => target.join(" "))
          .join(", ")}`,
    );
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1600, 400]) {
    describe(`${colorScheme}, ${width} px`, () => {
      test.each([...PAGES, { name: "empty", path: "/" }])("$name", async ({ name, path }) => {
        const { page } = await openPage(browser, {
          colorScheme,
          viewport: { width, height: 900 },
          bypassCSP: true,
        });
        await page.goto((name === "empty" ? empty : site).url + path);
        await settled(page);
        if (name === "rollout") {
          await page.keyboard.press("f");
          await page.keyboard.press("f");
          await settled(page);
        }
        expect(await findings(page)).toEqual([]);
        expect(await sidewaysScroll(page)).toEqual([]);
        await page.context().close();
      });
    });
  }
}

/** Waits until the page shows what it is about and nothing on it moves any more. */
async function settled(page: Page): Promise<void> {
  await page.waitForFunction(
    () =>
      document.querySelector("h1, h2, article, [role=table], [role=heading]") !== null &&
      document.querySelector("[role=status][aria-label^=loading], [class*=_pending_]") === null,
  );
  // What appears a moment later, such as what is loaded after the rest.
  await page.waitForTimeout(700);
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .every(
        ({ playState, effect }) =>
          playState !== "running" || effect?.getComputedTiming().endTime === Infinity,
      ),
  );
}

/** Elements that scroll sideways though they are neither code nor a table. */
function sidewaysScroll(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    for (const element of document.querySelectorAll("*")) {
      const { overflowX } = getComputedStyle(element);
      const scrolls =
        overflowX === "auto" || overflowX === "scroll" || element === document.documentElement;
      if (!scrolls || element.scrollWidth <= element.clientWidth + 1) continue;
      const code = element.matches(
        "pre, [aria-label=JSON], [aria-label=table], [aria-label=criteria], [role=table]",
      );
      if (!code || (element.matches("[role=table]") && innerWidth < 900))
        found.push(element.outerHTML.slice(0, 120));
    }
    return found;
  });
}
