import { expect, test } from "vitest";
import { runSeed, SABOTAGES } from "./index.ts";
import { REGRESSION_SEEDS } from "./regression-seeds.ts";

const STEPS = 3000;

for (const voters of [3, 5]) {
  test(`${voters} voters keep every rule while messages, disks and processes fail, and agree once they stop failing`, () => {
    const results = Array.from({ length: 150 }, (_, i) => runSeed({ seed: i + 1, voters, steps: STEPS, sabotage: null }));
    expect(results.filter((result) => "failure" in result)).toEqual([]);
    const done = results.filter((result) => "committed" in result);
    const sum = (of: (outcome: (typeof done)[number]) => number): number => done.reduce((total, outcome) => total + of(outcome), 0);
    expect(sum(({ committed }) => committed)).toBeGreaterThan(5000);
    expect(sum(({ elections }) => elections)).toBeGreaterThan(300);
    for (const count of ["reads", "crashes", "wipes", "changes", "transfers", "installs"] as const)
      expect(
        sum((outcome) => outcome[count]),
        count,
      ).toBeGreaterThan(50);
    expect(sum(({ suspensions }) => suspensions)).toBeGreaterThan(2);
  });
}

test("seeds that once failed pass", () => {
  const results = REGRESSION_SEEDS.map((options) => runSeed({ ...options, sabotage: null }));
  expect(results.filter((result) => "failure" in result)).toEqual([]);
});

test("two runs of a seed do the same", () => {
  const run = (): unknown => runSeed({ seed: 7, voters: 5, steps: STEPS, sabotage: null });
  expect(run()).toEqual(run());
});

for (const sabotage of SABOTAGES) {
  test(`the checks notice a caller with "${sabotage}" and say how to see it again`, () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const result = runSeed({ seed, voters: 3, steps: STEPS, sabotage });
      // Voters that have lost what they promised may also just get stuck; a rule must be seen broken.
      if (!("failure" in result) || result.failure.includes("Liveness")) continue;
      expect(result.failure).toMatch(/R1 |R3 |R4 |R5 |R6 |R8 |R9 |R11 |R16 /);
      expect(result.replay).toContain(`--seeds 1 --from ${seed} --voters 3 --steps ${STEPS} --sabotage ${sabotage}`);
      return;
    }
    expect.fail(`1000 seeds passed with ${sabotage}`);
  });
}
