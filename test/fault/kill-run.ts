import { rm } from "node:fs/promises";
import { check } from "@ottla/simulator";
import type { Anomaly } from "@ottla/simulator";
import { freePort, NodeProcess } from "../../scripts/support/node-process.ts";
import { seeded } from "../../scripts/support/seeded.ts";
import { Load } from "./load.ts";

export interface KillRun {
  readonly kills: number;
  readonly seed: number;
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  print(line: string): void;
}

export interface KillOutcome {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly anomalies: readonly Anomaly[];
}

const topic = "kills";
const partitions = 4;

/** Kills a node under load with SIGKILL, again and again; this process knows every acknowledged record and looks for them at the end.
 * A kill with no send in flight proves nothing, so the run waits until there are some. */
export async function runKills({ kills, seed, dataDir, env, print }: KillRun): Promise<KillOutcome> {
  const random = seeded(seed);
  await rm(dataDir, { recursive: true, force: true });
  const settings = { "grpc.listeners": `127.0.0.1:${await freePort()}`, "log.segment.bytes": String(256 * 1024) };
  const options = { dataDir, settings, ...(env ? { env } : {}) };
  let node = await NodeProcess.start(options);
  try {
    await using load = new Load(node.bootstrap, topic, partitions);
    await load.ottla.admin().createTopic({ name: topic, partitions });
    load.start(2, 200);
    for (let kill = 1; kill <= kills; kill += 1) {
      await load.progress(1 + random(2_000));
      await new Promise((resolve) => setTimeout(resolve, random(30)));
      while (load.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
      const { inFlight, acknowledged } = load;
      await node.kill();
      node = await NodeProcess.start(options);
      print(
        `kill ${kill}/${kills}: ${inFlight} sends in flight, ${acknowledged} acknowledged before, ready again after ${(node.startMs / 1000).toFixed(2)} s`,
      );
    }
    await load.progress(1);
    await load.stop();
    const drains = await load.drain();
    const unknown = load.events.filter((event) => event.kind === "send" && event.outcome === "unknown").length;
    return { acknowledged: load.acknowledged, unknown, anomalies: check(load.events, drains) };
  } finally {
    await node.kill();
  }
}
