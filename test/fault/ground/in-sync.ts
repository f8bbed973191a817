import { setTimeout as delay } from "node:timers/promises";
import type { Ottla } from "@ottla/client";

/** Every node that runs is live, every partition has a leader and all its replicas in sync.
 * @throws Error with what is still wrong after so long */
export async function allInSync(ottla: Ottla, nodes: number, withinMs: number): Promise<void> {
  const startedMs = performance.now();
  for (let wrong = ""; ; await delay(100)) {
    if (performance.now() - startedMs > withinMs) throw new Error(`Not all replicas are in sync after ${withinMs / 1000} s: ${wrong}`);
    try {
      const call = { timeoutMs: 2_000 };
      const [{ nodes: known }, topics] = await Promise.all([
        ottla.admin().describeCluster(call),
        ottla.admin().describeTopics(undefined, call),
      ]);
      const live = known.filter(({ broker, fenced }) => broker && !fenced);
      const behind = topics.flatMap(({ name, partitions }) =>
        partitions
          .filter(({ leader, replicas, inSyncReplicas }) => leader < 0 || inSyncReplicas.length < replicas.length)
          .map(
            ({ partition, leader, replicas, inSyncReplicas }) =>
              `${name}/${partition} leader ${leader} in sync ${inSyncReplicas.join(",")} of ${replicas.join(",")}`,
          ),
      );
      if (live.length >= nodes && behind.length === 0) return;
      wrong = [`${live.length} of ${nodes} brokers are live`, ...behind].join("; ");
    } catch (error) {
      wrong = error instanceof Error ? error.message : String(error);
    }
  }
}

/** The controllers' quorum has these voters and no others, and each holds what was committed when this was asked.
 * @throws Error with what is still wrong after so long */
export async function allVoting(ottla: Ottla, nodeIds: readonly number[], withinMs: number): Promise<void> {
  let committed = Infinity;
  await until(withinMs, "The controllers are not whole", async () => {
    const { leaderId, commitIndex, members } = await ottla.admin().describeQuorum({ timeoutMs: 2_000 });
    committed = Math.min(committed, commitIndex);
    const voters = members.filter(({ voter }) => voter);
    const behind = voters.filter(({ matchIndex }) => matchIndex < committed);
    const others = voters.some(({ nodeId }) => !nodeIds.includes(nodeId));
    if (leaderId >= 0 && voters.length === nodeIds.length && !others && behind.length === 0) return null;
    return `leader ${leaderId}, committed ${committed}, ${members.map(({ nodeId, voter, matchIndex }) => `${nodeId} ${voter ? "votes" : "learns"} and holds ${matchIndex}`).join(", ")}`;
  });
}

/** Looks again until nothing is wrong; a look that fails counts as wrong.
 * @throws Error with what is still wrong after so long */
export async function until(withinMs: number, what: string, look: () => Promise<string | null>): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const wrong = await look().catch((error: Error) => error.message);
    if (wrong === null) return;
    if (performance.now() - startedMs > withinMs) throw new Error(`${what} after ${withinMs / 1000} s: ${wrong}`);
    await delay(200);
  }
}
