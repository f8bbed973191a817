import { expect, test } from "vitest";
import { runSeed, SABOTAGES } from "./index.ts";

const STEPS = 3000;

for (const voters of [3, 5]) {
  test(`${voters} voters keep every rule while messages and processes fail, and agree once they stop failing`, () => {
    const results = Array.from({ length: 150 }, (_, i) => runSeed({ seed: i + 1, voters, steps: STEPS, sabotage: null }));
    expect(results.filter((result) => "failure" in result)).toEqual([]);
    const done = results.filter((result) => "committed" in result);
    expect(done.reduce((sum, { committed }) => sum + committed, 0)).toBeGreaterThan(1000);
    expect(done.reduce((sum, { reads }) => sum + reads, 0)).toBeGreaterThan(100);
    expect(done.reduce((sum, { crashes }) => sum + crashes, 0)).toBeGreaterThan(100);
  });
}

for (const sabotage of SABOTAGES) {
  test(`the checks notice a caller with "${sabotage}" and say how to see it again`, () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const result = runSeed({ seed, voters: 3, steps: STEPS, sabotage });
      // Voters that have lost what they promised may also just get stuck; a rule must be seen broken.
      if (!("failure" in result) || result.failure.includes("Liveness")) continue;
      expect(result.failure).toMatch(/R1 |R3 |R4 |R5 |R6 |R8 |R9 |R11 /);
      expect(result.replay).toContain(`--seeds 1 --from ${seed} --voters 3 --steps ${STEPS} --sabotage ${sabotage}`);
      return;
    }
    expect.fail(`1000 seeds passed with ${sabotage}`);
  });
}
