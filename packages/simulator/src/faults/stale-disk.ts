import { delay } from "@ottla/host";
import type { Cluster } from "../cluster/cluster.ts";
import { DATA } from "../machine/machine.ts";
import type { Fault, FaultSurroundings } from "./fault.ts";

const LOOK_EVERY_MS = 20;
/** So long something that usually happens at once may take. */
const PATIENCE_MS = 4_000;

/** A node comes back with an old copy of its whole data directory, ids and all. Its broker must count nowhere until it has caught up, its
 * controller must be found out and replaced. */
export async function staleDisk(fault: Fault, around: FaultSurroundings): Promise<void> {
  const { node, forMs } = fault;
  const { cluster, clock, random, mayLoseData } = around;
  const machine = cluster.machine(node);
  if (!machine.serving) return;
  const voters = votersOf(cluster, node);
  // A copy is made of a node that does not run, or has just died.
  if (random.below(2) === 0) await machine.stop();
  else machine.kill();
  const photograph = machine.host.disk.photograph();
  await cluster.start(node);
  await soon(around, () => machine.serving);
  await delay(clock, random.below(8_000));
  if (voters === null || votersOf(cluster, node) !== voters || !mayLoseData(node)) return;
  const term = machine.controller?.inspect()?.term ?? 0;
  const committed = Math.max(...cluster.machines.map(({ controller }) => controller?.inspect()?.commitIndex ?? 0));
  machine.kill();
  // One forgetful voter costs nothing when all others hold durably whatever it helped to commit and know the terms that it voted in: they
  // do once they have committed something without it.
  const others = cluster.machines.filter((other) => other.nodeId !== node);
  const harmless = await soon(around, () =>
    others.every(({ controller }) => {
      const quorum = controller?.inspect() ?? null;
      return quorum?.voters.length === 3 && quorum.term >= term && quorum.commitIndex > committed;
    }),
  );
  await delay(clock, forMs);
  await cluster.start(node, async ({ disk }) => {
    if (!harmless) return;
    disk.putBack(photograph);
    machine.old = true;
    machine.logs.clear();
    await machine.logs.read(disk, `${DATA}/log`);
  });
}

async function soon({ clock }: FaultSurroundings, reached: () => boolean): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += LOOK_EVERY_MS) {
    if (reached()) return true;
    await delay(clock, LOOK_EVERY_MS);
  }
  return reached();
}

/** All that vote, as the node knows, when it is one of three. */
function votersOf(cluster: Cluster, node: number): string | null {
  const quorum = cluster.machine(node).controller?.inspect() ?? null;
  if (quorum?.voters.length !== 3) return null;
  const self = quorum.voters.find(({ nodeId }) => nodeId === node);
  if (self?.directoryId !== quorum.directoryId) return null;
  return quorum.voters.map(({ nodeId, directoryId }) => `${nodeId} ${directoryId}`).join(", ");
}
