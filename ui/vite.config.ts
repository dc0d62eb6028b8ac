import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Serves the made-up API of `e2e/mock` from the development server: `npm run dev:mock`. */
function mockApi(): Plugin {
  return {
    name: "mock-api",
    async configureServer(server) {
      const { loadWorld, createApi } = await import("./e2e/mock/api.ts");
      server.middlewares.use(createApi(await loadWorld()));
    },
  };
}

const KESTREL = process.env["KESTREL_API_URL"] ?? "http://127.0.0.1:4700";

export default defineConfig(({ mode }) => ({
  plugins: [react(), ...(mode === "mock" ? [mockApi()] : [])],
  server: {
    proxy:
      mode === "mock"
        ? undefined
        : Object.fromEntries(["/api", "/readyz"].map((path) => [path, KESTREL])),
  },
  build: { target: "es2023", sourcemap: false, assetsInlineLimit: 0, chunkSizeWarningLimit: 700 },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    testTimeout: 30_000,
    setupFiles: ["src/test/setup.ts"],
    css: { modules: { classNameStrategy: "non-scoped" } },
  },
}));
