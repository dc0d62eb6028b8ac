import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterAll, afterEach, beforeAll } from "vitest";
import { server } from "./msw";

/** A browser's abilities that jsdom lacks; none of them is what the tests are about. */
class NoObserver implements ResizeObserver {
  observe(): void {
    // Nothing changes its size here.
  }
  unobserve(): void {
    // See above.
  }
  disconnect(): void {
    // See above.
  }
}

class NoEvents extends EventTarget {
  close(): void {
    // Nothing was opened.
  }
}

Object.assign(globalThis, { ResizeObserver: NoObserver, EventSource: NoEvents });
Object.defineProperty(window, "matchMedia", {
  value: (query: string) => ({
    matches: false,
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }),
});
// Virtual lists show what fits: everything has the height of a screen, so that they show something.
for (const [side, size] of [
  ["Height", 600],
  ["Width", 1200],
] as const) {
  Object.defineProperty(HTMLElement.prototype, `offset${side}`, { value: size });
  Object.defineProperty(Element.prototype, `client${side}`, { value: size });
}
window.scrollTo = () => undefined;
HTMLElement.prototype.scrollTo = () => undefined;
HTMLElement.prototype.scrollIntoView = () => undefined;

// Pages are loaded when they are first shown; on a busy machine that takes its time.
configure({ asyncUtilTimeout: 15_000 });

beforeAll(() => server.listen({ onUnhandledRequest: "error" }));

afterEach(() => {
  cleanup();
  server.resetHandlers();
  localStorage.clear();
  sessionStorage.clear();
});

afterAll(() => server.close());
