import { delay } from "@ottla/host";
import type { Fault, FaultSurroundings } from "./fault.ts";

/** What happens to the links between machines. */
export const networkFaults = {
  async isolate({ node, forMs }, { cluster, clock, clients, random }) {
    const { hostName } = cluster.machine(node);
    const others = cluster.machines.map((machine) => machine.hostName).filter((name) => name !== hostName);
    const peers = random.below(2) === 0 ? [...others, ...clients] : others;
    await cutting(
      cluster,
      clock,
      forMs,
      peers.flatMap(
        (peer) =>
          [
            [hostName, peer],
            [peer, hostName],
          ] as const,
      ),
    );
  },
  async "cut towards"({ node, forMs }, { cluster, clock }) {
    const { hostName } = cluster.machine(node);
    const others = cluster.machines.filter((machine) => machine.nodeId !== node);
    await cutting(
      cluster,
      clock,
      forMs,
      others.map((other) => [other.hostName, hostName] as const),
    );
  },
  async "cut from"({ node, forMs }, { cluster, clock }) {
    const { hostName } = cluster.machine(node);
    const others = cluster.machines.filter((machine) => machine.nodeId !== node);
    await cutting(
      cluster,
      clock,
      forMs,
      others.map((other) => [hostName, other.hostName] as const),
    );
  },
  async "cut between"({ node, other, forMs }, { cluster, clock }) {
    if (node === other) return;
    const [one, two] = [cluster.machine(node).hostName, cluster.machine(other).hostName];
    await cutting(cluster, clock, forMs, [
      [one, two],
      [two, one],
    ]);
  },
  async flap({ node, other, forMs }, { cluster, clock, random }) {
    if (node === other) return;
    const [one, two] = [cluster.machine(node).hostName, cluster.machine(other).hostName];
    for (let spentMs = 0; spentMs < forMs;) {
      const [downMs, upMs] = [100 + random.below(1500), 100 + random.below(1500)];
      await cutting(cluster, clock, downMs, [
        [one, two],
        [two, one],
      ]);
      await delay(clock, upMs);
      spentMs += downMs + upMs;
    }
  },
  async reset({ node, other }, { cluster, random, clients }) {
    const peers = [...clients, cluster.machine(other).hostName, cluster.machine(other).hostName];
    const peer = peers[random.below(peers.length)];
    const { hostName } = cluster.machine(node);
    if (peer !== undefined && peer !== hostName) cluster.links.reset(hostName, peer);
  },
  async delay({ node, forMs }, { cluster, clock, random }) {
    const { hostName } = cluster.machine(node);
    const slowMs = [5, 50, 200, 600][random.below(4)] ?? 5;
    const others = cluster.machines.filter((machine) => machine.nodeId !== node);
    const set = (ms: number): void => {
      for (const other of others) {
        cluster.links.slow(hostName, other.hostName, ms);
        cluster.links.slow(other.hostName, hostName, ms);
      }
    };
    set(slowMs);
    await delay(clock, forMs);
    set(0);
  },
} satisfies Record<string, (fault: Fault, around: FaultSurroundings) => Promise<void>>;

async function cutting(
  { links }: FaultSurroundings["cluster"],
  clock: FaultSurroundings["clock"],
  forMs: number,
  ways: readonly (readonly [from: string, to: string])[],
): Promise<void> {
  for (const [from, to] of ways) links.cut(from, to);
  await delay(clock, forMs);
  for (const [from, to] of ways) links.mend(from, to);
}
