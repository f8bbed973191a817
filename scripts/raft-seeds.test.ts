import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

function seeds(...args: readonly string[]): string {
  const command = ["--conditions=ottla-source", "scripts/raft-seeds.ts", ...args];
  return execFileSync("node_modules/.bin/tsx", command, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

test("two processes that run the same seeds do the same, step by step", () => {
  const traces = [seeds("--seeds", "20"), seeds("--seeds", "20")].map((output) => /trace [0-9a-f]+/.exec(output)?.[0]);
  expect(traces[0]).toMatch(/trace [0-9a-f]{4,}/);
  expect(traces[1]).toBe(traces[0]);
});

test("a core without one of its guards is seen to break a rule", () => {
  const output = seeds("--sabotage", "all", "--seeds", "5000");
  for (const guard of ["R7", "R8", "R9", "R10", "R15", "R16", "R17", "R18"])
    expect(output).toMatch(new RegExp(`^${guard}: missed after \\d+ seeds\\. seed \\d+, \\d voters: R\\d+ `, "m"));
}, 180_000);
