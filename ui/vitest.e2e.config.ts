import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    include: process.env["SHOTS"] ? ["e2e/*.shots.ts"] : ["e2e/*.spec.ts"],
    fileParallelism: false,
    testTimeout: 150_000,
    hookTimeout: 120_000,
  },
});
