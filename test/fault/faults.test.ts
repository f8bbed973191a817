import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { whyNotApart } from "./ground/apart.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const why = whyNotApart();
const rounds = 4;
const only = ["kill-leader", "kill-all", ...(why === null ? ["cut-both", "power-cut"] : ["freeze", "torn-tail"])];

test(
  `three nodes under load keep what they acknowledged through ${only.join(", ")}${why === null ? "" : ` (no faults of network and disk: ${why})`}`,
  { timeout: 240_000 },
  async () => {
    // Where the project is checked these faults have to happen.
    if (process.env["CI"] !== undefined) expect(why).toBeNull();
    const seed = 1 + Math.floor(Math.random() * 1_000_000);
    const args = [
      "--conditions=ottla-source",
      "test/fault/faults.ts",
      "--seed",
      String(seed),
      "--rounds",
      String(rounds),
      "--only",
      only.join(","),
    ];
    const { stdout } = await promisify(execFile)(join(root, "node_modules/.bin/tsx"), args, { cwd: root });
    console.log(stdout);
    expect(stdout, `seed ${seed}`).toMatch(/ lost 0, doubled 0, out of order 0, diverged 0, 0 anomalies in all/);
  },
);
