import type { Admin } from "@ottla/client";
import { untilTrue } from "./wait.ts";

/** Partition 0 of a topic with three replicas, whose leader a benchmark ends. */
export class LedPartition {
  readonly #admin: Admin;
  readonly #topic: string;

  constructor(admin: Admin, topic: string) {
    this.#admin = admin;
    this.#topic = topic;
  }

  /** Moves the partition to a node that leads the controllers, or does not. */
  async leaderThatIs(controller: boolean): Promise<number> {
    const admin = this.#admin;
    const at = { topic: this.#topic, partition: 0 };
    let leader = -1;
    await untilTrue(
      async () => {
        const { controllerId } = await admin.describeCluster();
        const partition = await this.#describe();
        leader = partition.leader;
        if (leader >= 0 && controllerId >= 0 && (leader === controllerId) === controller) return true;
        const wanted = partition.inSyncReplicas.filter((nodeId) => (nodeId === controllerId) === controller);
        if (wanted.length > 0 && controllerId >= 0) {
          const replicas = [...wanted, ...partition.replicas.filter((nodeId) => !wanted.includes(nodeId))];
          await admin.reassignPartitions([{ ...at, replicas }]);
          await admin.electLeaders([at]).catch(() => {});
        }
        return false;
      },
      60_000,
      `a leader that ${controller ? "leads" : "does not lead"} the controllers`,
    );
    return leader;
  }

  async untilInSync(): Promise<void> {
    await untilTrue(async () => (await this.#describe()).inSyncReplicas.length === 3, 60_000, "three replicas in sync");
  }

  async #describe(): Promise<{ leader: number; inSyncReplicas: readonly number[]; replicas: readonly number[] }> {
    const [described] = await this.#admin.describeTopics([this.#topic]);
    const partition = described?.partitions[0];
    if (!partition) throw new Error(`Topic ${this.#topic} has no partition 0`);
    return partition;
  }
}
