import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { CiReporter } from "./scripts/ci-reporter.ts";

// Set by .ci/run, which adds up what every run of vitest leaves there.
const reports = process.env["CI_REPORTS"];

export default defineConfig({
  // Packages resolve to their TypeScript sources, so that no test runs what an earlier build left behind.
  resolve: { conditions: ["ottla-source"] },
  ssr: { resolve: { conditions: ["ottla-source"] } },
  oxc: { target: "node20" },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "scripts/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // One less than there are cores is the default: on two of them everything would wait for tests that wait.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: reports === undefined ? ["default"] : ["default", new CiReporter(reports)],
  },
});
