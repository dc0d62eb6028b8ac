// Reads rollouts off the screen of a real browser: node read_rollouts.mjs URL RUN_ID
//
// Prints {"rows": [...], "transcripts": {trace_id: [...]}} as JSON: all rows of a run's list, and of every fifth rollout
// the articles of its transcript in their order on the page.
import { launch } from "./chromium.mjs";

const [url, runId] = process.argv.slice(2);
const browser = await launch();
// So high that the list shows all rows and most transcripts all articles.
const HEIGHT = 12000;
const page = await browser.newPage({ viewport: { width: 1600, height: HEIGHT } });
page.setDefaultTimeout(120_000);

await page.goto(`${url}/traces?run_id=${runId}`);
await page.locator("[data-row]").nth(199).waitFor();
const rows = await page.evaluate(() =>
  [...document.querySelectorAll("[data-row]")].map((row) => ({
    href: row.querySelector("a").getAttribute("href"),
    titles: [...row.querySelectorAll("[role=cell]")].map((cell) => cell.querySelector("[title]")?.title ?? ""),
  })),
);

const transcripts = {};
for (const { href } of rows.filter((_, index) => index % 5 === 0)) {
  await page.goto(url + href);
  await page.locator("article").first().waitFor();
  transcripts[href.split("/").pop()] = await readTranscript();
}
await browser.close();

/** Scrolls down to the grade, which is the last article, and keeps every article met on the way. */
async function readTranscript() {
  const articles = new Map();
  for (let screens = 0; screens < 40; screens += 1) {
    // Labels come with the outline, texts a moment later.
    await page.waitForFunction(() => document.querySelector("article [class*='_pending_']") === null);
    const visible = await page.evaluate(() =>
      [...document.querySelectorAll("article")].map((article) => ({
        span_id: article.dataset.span,
        label: article.getAttribute("aria-label"),
        text: article.textContent,
      })),
    );
    for (const article of visible) {
      articles.set(article.span_id, article);
    }
    if (visible.some((article) => article.label === "grade")) {
      return [...articles.values()];
    }
    await page.getByRole("region", { name: "transcript" }).evaluate((transcript, distance) => {
      transcript.scrollBy({ top: distance });
      return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    }, HEIGHT / 2);
  }
  throw new Error(`${page.url()} shows no grade`);
}

process.stdout.write(JSON.stringify({ rows, transcripts }));
