import type { SeededRandom } from "@ottla/host";
import type { Cluster } from "../cluster/cluster.ts";
import { keeps } from "./fault.ts";

/** How a node is lost for good. A process that stands still or is cut off takes longer to be missed than one that dies, and one that only
 * other nodes cannot reach goes on answering programs. */
const kinds = ["killed", "without power", "frozen", "cut off", "cut off from nodes"] as const;

export interface Loss {
  readonly kind: (typeof kinds)[number];
  /** Or the next one, if that one holds what others have lost. */
  readonly node: number;
  /** Or somewhat later: the others must be able to do without it. */
  readonly atMs: number;
  readonly seed: number;
}

/** In the last third of the faults. */
export function drawLoss(random: SeededRandom, nodes: number, faultsMs: number): Loss {
  return {
    kind: kinds[random.below(kinds.length)] ?? "killed",
    node: 1 + random.below(nodes),
    atMs: Math.floor((faultsMs * 2) / 3) + random.below(Math.ceil(faultsMs / 3)),
    seed: random.below(2 ** 32),
  };
}

export function lose({ kind, node }: Loss, cluster: Cluster, random: SeededRandom): void {
  const machine = cluster.machine(node);
  machine.gone = true;
  switch (kind) {
    case "killed":
      return machine.kill();
    case "without power":
      return machine.losePower(keeps[random.below(keeps.length)] ?? "none");
    case "frozen":
      machine.freeze();
      return cluster.links.frozen(machine.hostName);
    case "cut off":
    case "cut off from nodes": {
      const others = cluster.everyone.filter((other) => other !== machine).map(({ hostName }) => hostName);
      for (const peer of kind === "cut off" ? [...others, ...cluster.clientNames] : others) {
        cluster.links.sever(machine.hostName, peer);
        cluster.links.sever(peer, machine.hostName);
      }
    }
  }
}
