import { setTimeout as delay } from "node:timers/promises";
import { uuidFromText } from "@ottla/protocol";
import { type Anomaly, check } from "@ottla/simulator";
import { seeded } from "../../scripts/support/seeded.ts";
import type { Fault, Scene } from "./faults/fault.ts";
import { fileFaults } from "./faults/files.ts";
import { linkFaults } from "./faults/links.ts";
import { machineFaults } from "./faults/machine.ts";
import { memberFaults } from "./faults/members.ts";
import { processFaults } from "./faults/processes.ts";
import { Ground } from "./ground/ground.ts";
import { allInSync, allVoting } from "./ground/in-sync.ts";
import { Load } from "./load.ts";
import { dumpReplicas } from "./replicas.ts";

export interface FaultRun {
  readonly seed: number;
  readonly rounds: number;
  readonly directory: string;
  readonly apart: boolean;
  /** Only these, by name; all that the machine allows when empty. */
  readonly only: readonly string[];
  /** A second fault beside the first in every round, where that may be; else in one of three. */
  readonly pairs: boolean;
  readonly env?: Readonly<Record<string, string>>;
  print(line: string): void;
}

export interface FaultOutcome {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly anomalies: readonly Anomaly[];
  /** How often each kind happened. */
  readonly happened: ReadonlyMap<string, number>;
}

export const faults: readonly Fault[] = [...processFaults, ...linkFaults, ...fileFaults, ...machineFaults, ...memberFaults];
const topic = "faults";
const partitions = 6;
const nodes = 3;
const producers = 2;
const perSecond = 400;
const mendedWithinMs = 90_000;
const progressWithinMs = 60_000;

/** Three real nodes under load, fault after fault, alone and two at a time; at the end every acknowledged record is looked for, on every replica. */
export async function runFaults(run: FaultRun): Promise<FaultOutcome> {
  const { seed, rounds, directory, apart, print } = run;
  const random = seeded(seed);
  const happened = new Map<string, number>();
  await using ground = await Ground.make({ directory, apart, print, ...(run.env ? { env: run.env } : {}) });
  const possible = faults
    .filter(({ name }) => run.only.length === 0 || run.only.includes(name))
    .filter((fault) => isPossible(fault, ground));
  if (possible.length === 0)
    throw new Error(`No fault to choose from: --only is ${run.only.join(",")}, there are ${faults.map(({ name }) => name).join(", ")}`);
  const { cluster } = ground;
  await using load = new Load(cluster.bootstrap, topic, partitions);
  const { id } = await load.ottla.admin().createTopic({ name: topic, partitions, replicationFactor: nodes });
  load.start(producers, 100, perSecond);
  await load.progress(500);
  for (let round = 1; round <= rounds; round += 1) {
    const chosen = choose(possible, random, round, run.pairs);
    const victim = 1 + random(nodes);
    const { inFlight, acknowledged } = load;
    load.takeLongestGapMs();
    const scenes = await scenesOf(chosen, ground, load, random, victim);
    // What has ended in a fault that is over is started again at once: the one beside it may wait for that.
    const over = new Set<number>();
    const done = new AbortController();
    const supervised = supervise(ground, chosen, over, done.signal, print);
    const happening = Promise.all(
      scenes.map(async ({ fault, ...scene }) => {
        const said = await fault.happen(scene);
        over.add(scene.victim);
        return said;
      }),
    );
    let mendedMs = 0;
    const mended = happening.then(async (said) => {
      mendedMs = performance.now();
      for (const nodeId of cluster.nodeIds) over.add(nodeId);
      await settled(load, cluster.nodeIds);
      return said;
    });
    const told = await Promise.race([mended, supervised.then(() => mended)]).finally(() => done.abort());
    await supervised;
    for (const { name } of chosen) happened.set(name, (happened.get(name) ?? 0) + 1);
    print(
      `round ${round}/${rounds}: ${told.join(" + ")}: ${inFlight} sends in flight, ${load.acknowledged - acknowledged} acknowledged, longest gap ${seconds(load.takeLongestGapMs())}, in sync ${seconds(performance.now() - mendedMs)} after it was mended`,
    );
  }
  await load.stop();
  const drains = await load.drain();
  await cluster.stop();
  const dumps = await dumpReplicas(
    cluster.nodeIds.map((nodeId) => cluster.dataDir(nodeId)),
    uuidFromText(id),
    drains,
  );
  const unknown = load.events.filter((event) => event.kind === "send" && event.outcome === "unknown").length;
  return { acknowledged: load.acknowledged, unknown, anomalies: check(load.events, drains, dumps), happened };
}

async function settled(load: Load, voters: readonly number[]): Promise<void> {
  await withTimeout(load.progress(100), progressWithinMs, "No send was acknowledged");
  await allInSync(load.ottla, nodes, mendedWithinMs);
  await allVoting(load.ottla, voters, mendedWithinMs);
}

/** Starts those of the nodes again that have ended by a fault that may end them, until it is aborted; of any other it is a failure of the run. */
async function supervise(
  { cluster }: Ground,
  chosen: readonly Fault[],
  nodeIds: ReadonlySet<number>,
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<void> {
  while (!signal.aborted) {
    for (const nodeId of nodeIds) {
      if (!cluster.isRunning(nodeId) || !cluster.node(nodeId).hasEnded) continue;
      const [last = ""] = cluster.node(nodeId).errors.trimEnd().split("\n").slice(-1);
      if (!chosen.some(({ mayEnd }) => mayEnd === true)) throw new Error(`Node ${nodeId} ended by itself: ${last}`);
      print(`node ${nodeId} had ended and is started again: ${last.slice(0, 300)}`);
      await cluster.reviveIfEnded(nodeId);
    }
    await delay(200, undefined, { signal }).catch(() => {});
  }
}

function isPossible({ needs }: Fault, ground: Ground): boolean {
  return needs === undefined || ground[needs] !== null;
}

const bags = new WeakMap<readonly Fault[], Fault[]>();

/** Every kind once in a random order before any comes again; a second one beside it in some rounds. */
function choose(possible: readonly Fault[], random: (bound: number) => number, round: number, pairs: boolean): Fault[] {
  const bag = bags.get(possible) ?? [];
  bags.set(possible, bag);
  if (bag.length === 0) bag.push(...possible.toSorted((a, b) => a.name.localeCompare(b.name)));
  const [first] = bag.splice(random(bag.length), 1);
  if (!first) throw new Error(`Nothing to choose in round ${round}`);
  const beside = possible.filter(
    (fault) => fault.alone !== true && !bothAre("destroys", fault, first) && !bothAre("changesMembers", fault, first),
  );
  const second = first.alone !== true && beside.length > 0 && (random(3) === 0 || pairs) ? beside[random(beside.length)] : undefined;
  return second ? [first, second] : [first];
}

function bothAre(what: "destroys" | "changesMembers", a: Fault, b: Fault): boolean {
  return a[what] === true && b[what] === true;
}

/** Each fault with a victim of its own: the one it aims at, unless another has it. */
async function scenesOf(
  chosen: readonly Fault[],
  ground: Ground,
  load: Load,
  random: (bound: number) => number,
  drawn: number,
): Promise<(Scene & { fault: Fault })[]> {
  const scenes: (Scene & { fault: Fault })[] = [];
  for (const fault of chosen) {
    const isFree = (nodeId: number): boolean => nodeId >= 1 && nodeId <= nodes && scenes.every(({ victim }) => victim !== nodeId);
    const at = (victim: number): Scene & { fault: Fault } => ({
      ...{ ground, load, ottla: load.ottla, random, victim, fault },
      other: 1 + (victim % nodes),
      beside: chosen.length > 1,
    });
    const wanted = (await fault.aim?.(at(drawn))) ?? drawn;
    scenes.push(at([wanted, drawn, 1 + (drawn % nodes)].find(isFree) ?? drawn));
  }
  return scenes;
}

async function withTimeout<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${ms / 1000} s after everything was mended`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
