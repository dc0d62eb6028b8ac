// Looks at the images of one rollout in a real browser: node show_images.mjs URL TRACE_ID SVG_PATH [FOLDER]
//
// Prints as JSON what was seen; writes pictures of the page into FOLDER where one is given.
import { launch } from "./chromium.mjs";

const [url, traceId, svgPath, folder] = process.argv.slice(2);
const browser = await launch();

/** The page of the rollout in a window so high that all of it is on screen. */
async function openTrace(colorScheme, width, height) {
  const context = await browser.newContext({
    colorScheme,
    viewport: { width, height },
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const ran = [];
  page.on("dialog", (dialog) => {
    ran.push(dialog.message());
    void dialog.dismiss();
  });
  const problems = [];
  page.on(
    "console",
    (message) => message.type() === "error" && problems.push(message.text()),
  );
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`${url}/traces/${traceId}`);
  await page
    .locator("article")
    .first()
    .waitFor()
    .catch((error) => {
      throw new Error(`${error.message}\n${problems.join("\n")}`);
    });
  await page.waitForFunction(
    () => document.querySelector("article [class*='_pending_']") === null,
  );
  await page.locator("button[aria-label^='Open '] img").first().waitFor();
  return { page, ran, problems };
}

const { page, ran, problems } = await openTrace("light", 1600, 6000);
/** What every item shows, once all thumbnails on screen are loaded. */
async function look() {
  await page.waitForFunction(() =>
    [...document.querySelectorAll("article button img")].every(
      (image) => image.complete && image.naturalWidth > 0,
    ),
  );
  return page.evaluate(() =>
    [...document.querySelectorAll("article")].map((article) => ({
      label: article.getAttribute("aria-label"),
      text: article.innerText,
      images: [
        ...article.querySelectorAll("button[aria-label^='Open '] img"),
      ].map((image) => ({
        natural: [image.naturalWidth, image.naturalHeight],
        shown: [image.clientWidth, image.clientHeight],
      })),
      files: [...article.querySelectorAll("a[download]")].map((link) =>
        link.getAttribute("aria-label"),
      ),
    })),
  );
}

const folded = await look();
// What is unfolded may hold more that is folded.
await page.waitForFunction(() => {
  const closed = [
    ...document.querySelectorAll("article button[aria-expanded=false]"),
  ];
  closed.forEach((button) => button.click());
  return closed.length === 0;
});
const unfolded = await look();

/** The first image as it is opened. */
async function openFirst(page) {
  await page.locator("button[aria-label^='Open ']").first().click();
  await page.waitForFunction(
    () => document.querySelector("[role=dialog] img")?.naturalWidth > 0,
  );
  return readDialog(page);
}

async function readDialog(page) {
  const dialog = page.getByRole("dialog");
  return {
    text: await dialog.innerText(),
    ...(await dialog.locator("img").evaluate((image) => ({
      natural: [image.naturalWidth, image.naturalHeight],
      shown: [image.clientWidth, image.clientHeight],
    }))),
  };
}

const opened = await openFirst(page);
const narrow = await openTrace("dark", 400, 3000);
const fitted = await openFirst(narrow.page);
await narrow.page.getByRole("button", { name: "Full size" }).click();
await narrow.page.getByRole("button", { name: "Whole image" }).waitFor();
const enlarged = await readDialog(narrow.page);
await narrow.page.context().close();

// What comes next is refused, which the console says.
const complaints = [...problems];

// What could run does not, neither opened by itself nor as a part of a page.
const downloading = page.waitForEvent("download");
await page.goto(url + svgPath).catch(() => undefined);
const downloaded = (await downloading).suggestedFilename();
await page.goto(`${url}/traces/${traceId}`);
await page.evaluate(async (path) => {
  const loaded = ["img", "iframe", "object", "embed"].map((tag) => {
    const element = document.createElement(tag);
    element[tag === "object" ? "data" : "src"] = path;
    const settled = new Promise((resolve) => {
      element.onload = resolve;
      element.onerror = resolve;
      // A download in place of a page tells nobody when it is done.
      setTimeout(resolve, 1000);
    });
    document.body.append(element);
    return settled;
  });
  await Promise.all(loaded);
}, svgPath);

if (folder) {
  for (const theme of ["dark", "light"]) {
    for (const width of [400, 1600]) {
      const { page } = await openTrace(
        theme,
        width,
        width === 400 ? 2600 : 2200,
      );
      await page.waitForTimeout(800);
      await page.screenshot({ path: `${folder}/images-${theme}-${width}.png` });
      await page.setViewportSize({ width, height: width === 400 ? 800 : 1000 });
      await openFirst(page);
      await page.waitForTimeout(500);
      await page.screenshot({ path: `${folder}/image-${theme}-${width}.png` });
    }
  }
}
await browser.close();
const looks = {
  folded,
  unfolded,
  opened,
  fitted,
  enlarged,
  downloaded,
  ran,
  problems: complaints,
};
process.stdout.write(JSON.stringify(looks));
