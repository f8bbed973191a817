import type { Timer } from "@ottla/host";
import { errorName, uuidFromBytes, type Uuid } from "@ottla/protocol";
import type { CallLimits, Cluster } from "../connection/cluster.ts";
import { AdminError, type Failure } from "../errors.ts";
import type { Partition } from "./partition.ts";

export interface OffsetToStore {
  readonly partition: Partition;
  readonly offset: number;
}

/** Stores offsets of a group, one call after the other so that an older one never lands last. */
export class Commits {
  readonly #cluster: Cluster;
  readonly #group: string;
  #last: Promise<unknown> = Promise.resolve();
  #timer: Timer | null = null;

  constructor(cluster: Cluster, group: string) {
    this.#cluster = cluster;
    this.#group = group;
  }

  /** @throws AdminError naming each offset that was refused; ProtocolError */
  store(offsets: readonly OffsetToStore[], limits: CallLimits = {}): Promise<void> {
    const stored = this.#last.then(() => this.#store(offsets, limits));
    this.#last = stored.catch(() => {}); // the caller hears of it
    return stored;
  }

  /** @throws ProtocolError */
  async load(partitions: readonly Partition[], limits: CallLimits = {}): Promise<Map<Partition, number>> {
    const answer = await this.#cluster.call(
      "fetchOffsets",
      {
        case: "fetchOffsets",
        value: { group: this.#group, partitions: partitions.map(({ topic, partition }) => ({ topicId: topic.idBytes, partition })) },
      },
      limits,
    );
    const byKey = new Map(partitions.map((partition) => [keyOf(partition.topic.id, partition.partition), partition]));
    const found = new Map<Partition, number>();
    for (const { topicId, partition: number, offset } of answer.offsets) {
      const partition = byKey.get(keyOf(uuidFromBytes(topicId), number));
      if (partition !== undefined && offset >= 0) found.set(partition, offset);
    }
    return found;
  }

  /** Every `intervalMs` until {@link stop}. `run` never rejects. */
  every(intervalMs: number, run: () => Promise<void>): void {
    this.#timer = this.#cluster.host.clock.after(
      intervalMs,
      () => void run().then(() => this.#timer !== null && this.every(intervalMs, run)),
    );
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  async #store(offsets: readonly OffsetToStore[], limits: CallLimits): Promise<void> {
    if (offsets.length === 0) return;
    const value = {
      group: this.#group,
      offsets: offsets.map(({ partition, offset }) => ({
        topicId: partition.topic.idBytes,
        partition: partition.partition,
        offset,
        leaderEpoch: offset === partition.position ? partition.leaderEpoch : -1,
        metadata: "",
      })),
    };
    const answer = await this.#cluster.call("commitOffsets", { case: "commitOffsets", value }, limits);
    const failures: Failure[] = [];
    for (const { topicId, partition: number, errorCode, errorMessage } of answer.offsets) {
      const stored = offsets.find(({ partition }) => partition.partition === number && partition.topic.id === uuidFromBytes(topicId));
      if (stored === undefined) continue;
      if (errorCode === 0) stored.partition.committed = stored.offset;
      else
        failures.push({ item: `${stored.partition.label} at offset ${stored.offset}`, error: errorName(errorCode), message: errorMessage });
    }
    const [first, ...rest] = failures;
    if (first !== undefined) throw new AdminError(`commit for group "${this.#group}":`, [first, ...rest]);
  }
}

function keyOf(topic: Uuid, partition: number): string {
  return `${topic}-${partition}`;
}
