import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runKills } from "./kill-run.ts";

const kills = Number(process.env.KILLS ?? "3");

test(`nothing acknowledged is lost, doubled or reordered by ${kills} kills under load`, { timeout: 60_000 + kills * 5_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "ottla-kill-test-"));
  const seed = 1 + Math.floor(Math.random() * 1_000_000);
  const { acknowledged, anomalies } = await runKills({ kills, seed, dataDir, print: (line) => console.log(line) });
  expect(anomalies, `seed ${seed}, data in ${dataDir}`).toEqual([]);
  expect(acknowledged).toBeGreaterThan(kills);
  await rm(dataDir, { recursive: true });
});
