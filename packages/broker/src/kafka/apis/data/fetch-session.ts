import type { kafka, Uuid } from "@ottla/protocol";
import type { FetchedPartition, FetchPartition } from "../../../operations/fetch.ts";

/** Where the next epoch is after the largest: 0 would begin a session anew. */
const LARGEST_EPOCH = 2_147_483_647;

export type AskedTopic = kafka.FetchRequest["topics"][number];
type AskedPartition = AskedTopic["partitions"][number];

/** A partition as a client wants it fetched, and what it was last told of it. */
export class WantedPartition implements FetchPartition {
  /** The topic's name, or its id for a client that goes by ids. */
  readonly topic: string;
  readonly partition: number;
  topicId: Uuid;
  fetchOffset = 0;
  maxBytes = 0;
  leaderEpoch = -1;
  lastFetchedEpoch = -1;
  #toldHighWatermark = -1;
  #toldLogStart = -1;

  constructor(topic: string, topicId: Uuid, asked: AskedPartition) {
    this.topic = topic;
    this.topicId = topicId;
    this.partition = asked.partition;
    this.update(asked);
  }

  update({ fetchOffset, partitionMaxBytes, currentLeaderEpoch, lastFetchedEpoch }: AskedPartition): void {
    this.fetchOffset = fetchOffset;
    this.maxBytes = partitionMaxBytes;
    this.leaderEpoch = currentLeaderEpoch;
    this.lastFetchedEpoch = lastFetchedEpoch;
  }

  /** Takes note of what the client is told now.
   * @returns false when it knows that already */
  tell({ error, diverging, bytes, highWatermark, logStartOffset }: FetchedPartition): boolean {
    const news = bytes > 0 || highWatermark !== this.#toldHighWatermark || logStartOffset !== this.#toldLogStart;
    const trouble = error !== null || diverging !== null;
    // Once the trouble is over, the client hears of the partition again.
    this.#toldHighWatermark = trouble ? -1 : highWatermark;
    this.#toldLogStart = logStartOffset;
    return news || trouble;
  }
}

/** What a client fetches, remembered from request to request so that it need only say what changes (KIP-227). */
export class FetchSession {
  readonly id: number;
  readonly byIds: boolean;
  readonly createdMs: number;
  lastUsedMs: number;
  /** What the next request of the session must say. */
  epoch = 1;
  /** In the order in which they are read: one with records goes to the end, so that none starves. */
  readonly #wanted = new Map<string, WantedPartition>();

  constructor(id: number, byIds: boolean, nowMs: number, wanted: Iterable<WantedPartition>) {
    this.id = id;
    this.byIds = byIds;
    this.createdMs = this.lastUsedMs = nowMs;
    for (const each of wanted) this.#wanted.set(keyOf(each.topic, each.partition), each);
  }

  get size(): number {
    return this.#wanted.size;
  }

  wanted(): WantedPartition[] {
    return [...this.#wanted.values()];
  }

  advance(): void {
    this.epoch = epochAfter(this.epoch);
  }

  update(topics: readonly AskedTopic[], forgotten: kafka.FetchRequest["forgottenTopicsData"], idOf: (topic: AskedTopic) => Uuid): void {
    for (const asked of topics) {
      const topic = this.byIds ? asked.topicId : asked.topic;
      for (const each of asked.partitions) {
        const key = keyOf(topic, each.partition);
        const known = this.#wanted.get(key);
        if (known === undefined) this.#wanted.set(key, new WantedPartition(topic, idOf(asked), each));
        else known.update(each);
      }
    }
    for (const { topic, topicId, partitions } of forgotten)
      for (const partition of partitions) this.#wanted.delete(keyOf(this.byIds ? topicId : topic, partition));
  }

  /** It had records now: others come first next time. */
  putLast(wanted: WantedPartition): void {
    const key = keyOf(wanted.topic, wanted.partition);
    if (this.#wanted.delete(key)) this.#wanted.set(key, wanted);
  }
}

export function epochAfter(epoch: number): number {
  return epoch === LARGEST_EPOCH ? 1 : epoch + 1;
}

/** A name has no colon. */
function keyOf(topic: string, partition: number): string {
  return `${topic}:${partition}`;
}
