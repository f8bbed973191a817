import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["ottla-source"] },
  ssr: { resolve: { conditions: ["ottla-source"] } },
  esbuild: { target: "node20" },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 30_000,
  },
});
