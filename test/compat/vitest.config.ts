import { defineConfig } from "vitest/config";
import { CiReporter } from "../../scripts/ci-reporter.ts";

const reports = process.env["CI_REPORTS"];

/** Foreign clients have a command of their own (main.ts): `npm test` needs neither them nor a network. */
export default defineConfig({
  resolve: { conditions: ["ottla-source"] },
  ssr: { resolve: { conditions: ["ottla-source"] } },
  oxc: { target: "node20" },
  test: {
    include: ["test/compat/**/*.compat.ts"],
    hookTimeout: 60_000,
    reporters: reports === undefined ? ["verbose"] : ["verbose", new CiReporter(reports)],
  },
});
