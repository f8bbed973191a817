import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SABOTAGES } from "./played-load.ts";
import { trialName, Trials } from "./trials.ts";

const limitMs = 120_000;

test(
  "nothing acknowledged is lost or doubled by power failures during a load, its recovery and a failing disk",
  { timeout: limitMs },
  async () => {
    const seed = 1 + Math.floor(Math.random() * 1_000_000);
    const trials = await Trials.of(seed, null);
    const step = Math.floor(trials.all.length / 300);
    for (let at = seed % step; at < trials.all.length; at += step) {
      const trial = trials.all[at]!;
      const { findings } = await trials.run(trial);
      expect(findings, `npm run test:powerloss -- --seed ${seed} --only ${trialName(trial)}`).toEqual([]);
    }
  },
);

test.each(SABOTAGES)("a build in which %s is found out", { timeout: limitMs }, (sabotage) => {
  const command = fileURLToPath(new URL("powerloss.ts", import.meta.url));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=ottla-source", "--import", "tsx", command, "--cuts", "40", "--workers", "1", "--sabotage", sabotage],
    { encoding: "utf8" },
  );
  expect(status, stderr).toBe(1);
  const lost = Number(/^lost (\d+)/m.exec(stdout)?.[1]);
  expect(lost, stdout).toBeGreaterThan(0);
});
