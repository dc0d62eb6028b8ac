/** A server with the built pages, and a browser to look at them with. */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { extname, join, normalize } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { createApi } from "./mock/api.ts";
import { loadWorld, type World } from "./mock/world.ts";

const DIST = join(import.meta.dirname, "../dist");

/** The policy that kestrel serves the pages with. */
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; " +
  "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

export interface Site {
  url: string;
  world: World;
  close: () => Promise<void>;
}

/** The built pages over a made-up world. */
export async function startSite(world?: World): Promise<Site> {
  const content = world ?? (await loadWorld());
  const api = createApi(content);
  const server = createServer((request, response) => {
    api(request, response, () => {
      void servePage(request.url ?? "/").then(({ body, type }) => {
        response.writeHead(200, { "content-type": type, "content-security-policy": POLICY });
        response.end(body);
      });
    });
  });
  const port = await listen(server, Number(process.env["MOCK_PORT"] ?? 0));
  return {
    url: `http://127.0.0.1:${port}`,
    world: content,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function servePage(url: string): Promise<{ body: Buffer; type: string }> {
  const path = normalize(new URL(url, "http://mock").pathname);
  try {
    return {
      body: await readFile(join(DIST, path)),
      type: TYPES[extname(path)] ?? "application/octet-stream",
    };
  } catch {
    return { body: await readFile(join(DIST, "index.html")), type: TYPES[".html"] ?? "" };
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
}

export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-dev-shm-usage",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export interface OpenPage {
  page: Page;
  /** What the console said that it should not have. */
  problems: string[];
}

/** A page in a context of its own that remembers its complaints. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1600, height: 1000 }, ...options });
  const page = await context.newPage();
  // A busy machine may need long; what never comes is told all the same.
  page.setDefaultTimeout(60_000);
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  return { page, problems };
}

/** Until what was just shown also listens: a frame later, after the work that the frame left behind. */
export function settled(page: Page): Promise<void> {
  return page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))),
  );
}
