import { setTimeout as delay } from "node:timers/promises";
import { type Anomaly, check } from "@ottla/simulator";
import { seeded } from "../../scripts/support/seeded.ts";
import { allInSync } from "../fault/ground/in-sync.ts";
import { Load } from "../fault/load.ts";
import { Compose } from "./compose.ts";

export interface ComposeRun {
  readonly seed: number;
  readonly rounds: number;
  print(line: string): void;
}

export interface ComposeOutcome {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly anomalies: readonly Anomaly[];
}

type Trouble = (compose: Compose, node: number, ms: number) => Promise<string>;

const troubles: readonly Trouble[] = [
  async (compose, node, ms) => {
    await compose.kill(node);
    await delay(ms);
    await compose.start(node);
    return `docker kill of node ${node}`;
  },
  async (compose, node, ms) => {
    await compose.pause(node);
    await delay(ms);
    await compose.unpause(node);
    return `docker pause of node ${node} for ${(ms / 1000).toFixed(1)} s`;
  },
  async (compose, node, ms) => {
    await compose.disconnect(node);
    await delay(ms);
    await compose.connect(node);
    return `docker network disconnect of node ${node} for ${(ms / 1000).toFixed(1)} s`;
  },
  async (compose, node) => {
    await compose.emptyVolume(node);
    return `volume of node ${node} removed`;
  },
  async (compose) => {
    for (const node of [1, 2, 3]) {
      await compose.recreate(node);
      await untilHealthy(compose, node);
    }
    return "all containers recreated, one after the other";
  },
];

const topic = "compose";
const partitions = 6;
const nodes = 3;
const withinMs = 120_000;

/** The compose file under load from the host, trouble after trouble; at the end every acknowledged record is looked for. */
export async function runCompose({ seed, rounds, print }: ComposeRun): Promise<ComposeOutcome> {
  const random = seeded(seed);
  await using compose = await Compose.up();
  await using load = new Load(compose.bootstrap, topic, partitions);
  await allInSync(load.ottla, nodes, withinMs);
  await load.ottla.admin().createTopic({ name: topic, partitions, replicationFactor: nodes });
  load.start(2, 100, 400);
  await load.progress(500);
  const inside = await compose.inside("cluster", "check", "--bootstrap", "ottla-2:9093");
  if (!/ottla-1:9093 +broker 1 +answers/.test(inside)) throw new Error(`From another container:\n${inside}`);
  print("The nodes answer the host at localhost and another container by name");
  for (let round = 1; round <= rounds; round += 1) {
    const trouble = troubles[(round - 1) % troubles.length];
    if (!trouble) throw new Error("There is no trouble");
    const { acknowledged } = load;
    load.takeLongestGapMs();
    const told = await trouble(compose, 1 + random(nodes), 1_000 + random(7_000));
    await load.progress(100);
    await allInSync(load.ottla, nodes, withinMs);
    for (const node of [1, 2, 3]) await untilHealthy(compose, node);
    print(
      `round ${round}/${rounds}: ${told}: ${load.acknowledged - acknowledged} acknowledged, longest gap ${(load.takeLongestGapMs() / 1000).toFixed(2)} s, all in sync and healthy`,
    );
  }
  await load.stop();
  const drains = await load.drain();
  const unknown = load.events.filter((event) => event.kind === "send" && event.outcome === "unknown").length;
  return { acknowledged: load.acknowledged, unknown, anomalies: check(load.events, drains) };
}

async function untilHealthy(compose: Compose, node: number): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  for (let health = await compose.health(node); health !== "healthy"; health = await compose.health(node)) {
    if (performance.now() > deadlineMs) throw new Error(`Node ${node} is ${health} after ${withinMs / 1000} s`);
    await delay(250);
  }
}
