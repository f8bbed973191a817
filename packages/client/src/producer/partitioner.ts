import { murmur2 } from "@ottla/protocol";
import type { TopicInfo } from "../connection/topics.ts";
import { ProduceError } from "../errors.ts";
import type { Partitioner } from "./api.ts";
import type { Outgoing } from "./outgoing.ts";

/** Where the records of one topic go: the caller's partition, else the caller's function, else Kafka's hash of the key, else one partition
 * until its batch is full or sent, then the next (KIP-480 in a round). */
export class Placement {
  readonly #partitioner: Partitioner | null;
  #sticky: number;

  constructor(partitioner: Partitioner | null, first: number) {
    this.#partitioner = partitioner;
    this.#sticky = first;
  }

  /** @throws ProduceError for a partition that the topic does not have */
  choose(topic: TopicInfo, { key, value, partition }: Outgoing): number {
    const count = topic.partitions.length;
    const chosen = partition ?? this.#partitioner?.({ topic: topic.name, key, value, partitions: count }) ?? null;
    if (chosen === null) return key === null ? this.#stick(topic) : (murmur2(key) & 0x7fff_ffff) % count;
    if (Number.isInteger(chosen) && chosen >= 0 && chosen < count) return chosen;
    const who = partition === null ? "the partitioner chose" : "asked for";
    throw new ProduceError(
      "UNKNOWN_TOPIC_OR_PARTITION",
      topic.name,
      null,
      "not-appended",
      `Cannot send to "${topic.name}": ${who} partition ${chosen}, it has 0 to ${count - 1}`,
    );
  }

  /** The batch of this partition is on its way: keyless records move on. */
  sealed(partition: number): void {
    if (partition === this.#sticky) this.#sticky++;
  }

  /** Passes over partitions without a leader while there are others. */
  #stick(topic: TopicInfo): number {
    const count = topic.partitions.length;
    for (let step = 0; step < count; step++) {
      const candidate = (this.#sticky + step) % count;
      if (topic.partitions[candidate]?.leader !== -1) {
        this.#sticky = candidate;
        return candidate;
      }
    }
    return this.#sticky % count;
  }
}
