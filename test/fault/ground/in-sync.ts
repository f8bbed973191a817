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
