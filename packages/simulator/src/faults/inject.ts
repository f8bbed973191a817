import { delay, DiskError, type MemoryHost, type SeededRandom } from "@ottla/host";
import { normalLatency } from "../cluster/cluster.ts";
import { DATA } from "../machine/machine.ts";
import { flipSome } from "./flip.ts";
import { staleDisk } from "./stale-disk.ts";
import { networkFaults } from "./network.ts";
import { type Fault, type FaultKind, type FaultSurroundings, keeps } from "./fault.ts";

type Injection = (fault: Fault, around: FaultSurroundings) => Promise<void>;

/** Lets a fault happen; resolves when its time is over and what it began has been put right again. */
export function inject(fault: Fault, around: FaultSurroundings): Promise<void> {
  return injections[fault.kind](fault, around);
}

const injections: Record<FaultKind, Injection> = {
  async kill({ node, forMs }, { cluster, clock }) {
    cluster.machine(node).kill();
    await delay(clock, forMs);
    await cluster.start(node);
  },
  async "power loss"({ node, forMs }, { cluster, clock, random }) {
    cluster.machine(node).losePower(keeps[random.below(keeps.length)] ?? "none");
    await delay(clock, forMs);
    await cluster.start(node);
  },
  async "kill all"({ forMs }, { cluster, clock, random }) {
    for (const machine of cluster.machines) machine.kill();
    await startAll(cluster, clock, random, forMs);
  },
  async "power loss of all"({ forMs }, { cluster, clock, random }) {
    for (const machine of cluster.machines) machine.losePower(keeps[random.below(keeps.length)] ?? "none");
    await startAll(cluster, clock, random, forMs);
  },
  async freeze({ node, forMs }, { cluster, clock }) {
    const machine = cluster.machine(node);
    machine.freeze();
    cluster.links.frozen(machine.hostName);
    await delay(clock, forMs);
    machine.thaw();
    cluster.links.apply();
  },
  ...networkFaults,
  async "slow disk"({ node, forMs }, { cluster, clock, random }) {
    const machine = cluster.machine(node);
    const factor = [10, 50, 300, 1500][random.below(4)] ?? 10;
    machine.slowLatencyMs = (operation) => normalLatency(operation, random, factor);
    await delay(clock, forMs);
    machine.slowLatencyMs = null;
  },
  async "full disk"({ node, forMs }, { cluster, clock }) {
    const machine = cluster.machine(node);
    machine.full = true;
    await delay(clock, forMs);
    machine.full = false;
    await cluster.start(node);
  },
  async "failing disk"({ node, forMs }, { cluster, clock, random }) {
    const machine = cluster.machine(node);
    if (!machine.up) return;
    const { disk } = machine.host;
    const operations = ["sync", "write", "sync", "store batch", "syncDirectory"] as const;
    const failing = operations[random.below(operations.length)];
    let left = 1;
    disk.fault = (operation, path) => {
      if (operation !== failing || left === 0) return undefined;
      left -= 1;
      return new DiskError(operation, path, "EIO");
    };
    await delay(clock, forMs);
    disk.fault = null;
    await cluster.start(node);
  },
  async "flipped bits"({ node, forMs }, { cluster, clock, random, mayLoseData }) {
    if (!mayLoseData(node)) return;
    const machine = cluster.machine(node);
    machine.kill();
    machine.damaged = true;
    await delay(clock, forMs);
    await cluster.start(node, (host) => flipSome(host, random));
  },
  async "emptied disk"({ node, forMs }, { cluster, clock, mayLoseData }) {
    if (!mayLoseData(node)) return;
    const machine = cluster.machine(node);
    machine.kill();
    await delay(clock, forMs);
    await cluster.start(node, emptied);
  },
  "stale disk": staleDisk,
  async "clock jump"({ node, forMs }, { cluster, clock, random }) {
    const machine = cluster.machine(node);
    machine.wallOffsetMs += (random.below(2) === 0 ? 1 : -1) * random.below(3_600_000);
    await delay(clock, forMs);
    if (random.below(2) === 0) machine.wallOffsetMs = 0;
  },
  async "rolling restart"(_, { cluster, clock, random }) {
    for (const machine of cluster.machines) {
      if (!machine.serving) continue;
      await machine.stop();
      await delay(clock, 100 + random.below(500));
      await cluster.start(machine.nodeId);
      for (let waitedMs = 0; waitedMs < 5_000 && !machine.serving; waitedMs += 100) await delay(clock, 100);
      await delay(clock, random.below(1500));
    }
  },
  async stop({ node, forMs }, { cluster, clock }) {
    const machine = cluster.machine(node);
    if (!machine.serving) return;
    await machine.stop();
    await delay(clock, forMs);
    await cluster.start(node);
  },
  "delete records": (_, { operator }) => operator.deleteRecords(),
  "passing topic": ({ forMs }, { operator }) => operator.passingTopic(forMs),
  "move a partition": (_, { operator }) => operator.movePartition(),
  "change voters": ({ node, forMs }, { operator }) => operator.changeVoters(node, forMs),
  "join and drain": ({ forMs }, { operator }) => operator.joinAndDrain(forMs),
};

/** Somebody puts an empty disk in. */
export async function emptied({ disk }: MemoryHost): Promise<void> {
  await disk.removeDirectory(DATA);
  await disk.syncDirectory("/");
}

async function startAll(
  cluster: FaultSurroundings["cluster"],
  clock: FaultSurroundings["clock"],
  random: SeededRandom,
  forMs: number,
): Promise<void> {
  await delay(clock, Math.min(forMs, 1_000));
  for (const machine of cluster.machines) {
    await delay(clock, random.below(400));
    await cluster.start(machine.nodeId);
  }
}
