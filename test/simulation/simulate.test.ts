import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { simulate } from "@ottla/simulator";
import { sabotages } from "./sabotages.ts";

const limitMs = 180_000;

const regressions = readFileSync(new URL("regression-seeds.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => /^\d/.test(line))
  .map((line) => Number.parseInt(line, 10));

const replay = (seed: number): string => `npm run simulate -- --seed ${seed} --seeds 1 --trace trace.txt`;

test("three nodes keep what they promised through a minute of faults, and serve when all is healed", { timeout: limitMs }, async () => {
  const seed = 1 + Math.floor(Math.random() * 1e9);
  const { findings, acknowledged } = await simulate({ seed });
  expect(findings, replay(seed)).toEqual([]);
  expect(acknowledged, replay(seed)).toBeGreaterThan(0);
});

test.each(regressions)("what seed %i once found stays mended", { timeout: limitMs }, async (seed) => {
  const { findings } = await simulate({ seed });
  expect(findings, replay(seed)).toEqual([]);
});

test.each(Object.entries(sabotages))("the guard that sabotage %s removes is where it says", (_name, edits) => {
  for (const { file, intact } of edits) {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    expect(source.split(intact).length - 1, `"${intact}" in ${file}`).toBe(1);
  }
});

test("a seed repeats its run", { timeout: limitMs }, async () => {
  const first = await simulate({ seed: 5, faultsMs: 10_000 });
  const second = await simulate({ seed: 5, faultsMs: 10_000 });
  expect(second.hash).toBe(first.hash);
  expect(second.steps).toBe(first.steps);
});
