import { errorName, uuidFromBytes, type pb } from "@ottla/protocol";
import { backoffMs } from "../connection/backoff.ts";
import type { Cluster } from "../connection/cluster.ts";
import { messageOf, type ConsumeError } from "../errors.ts";
import { buffer, refusal } from "./fetch-answer.ts";
import type { Partition } from "./partition.ts";

const RETRY = { firstMs: 20, mostMs: 1_000 };

/** Asked for in a fetch that is under way, by the token that it had then. */
export interface Sent {
  readonly partition: Partition;
  readonly token: number;
}

export interface FetchOutcomesOptions {
  readonly cluster: Cluster;
  /** There is something to hand out, or nothing more will come. */
  readonly arrived: (partition: Partition) => void;
  readonly outOfRange: (partition: Partition) => void;
  readonly failed: (partition: Partition, error: ConsumeError) => void;
  /** So many bytes came into the buffer. */
  readonly buffered: (bytes: number) => void;
}

/** What becomes of the partitions of a fetch: records at hand, another place to ask, a pause, an end. */
export class FetchOutcomes {
  readonly #options: FetchOutcomesOptions;

  constructor(options: FetchOutcomesOptions) {
    this.#options = options;
  }

  answered(sent: readonly Sent[], response: pb.FetchResponse): void {
    if (response.errorCode !== 0) return this.broken(sent, new Error(`${errorName(response.errorCode)}: ${response.errorMessage}`));
    const open = new Map(sent.map((each) => [`${each.partition.topic.id}-${each.partition.partition}`, each]));
    for (const answer of response.partitions) {
      const asked = open.get(`${uuidFromBytes(answer.topicId)}-${answer.partition}`);
      if (asked === undefined || asked.partition.fetchToken !== asked.token) continue;
      asked.partition.fetchingFrom = null;
      if (answer.errorCode === 0) this.#take(asked.partition, answer);
      else this.#refused(asked.partition, answer);
    }
    for (const { partition, token } of sent) if (partition.fetchToken === token) partition.fetchingFrom = null;
  }

  broken(sent: readonly Sent[], error: unknown): void {
    const { cluster } = this.#options;
    cluster.logger.warn({ error: messageOf(error) }, "a fetch failed; trying again");
    cluster.metadata.requestRefresh();
    for (const { partition, token } of sent) {
      if (partition.fetchToken !== token) continue;
      this.release(partition);
      this.pause(partition);
    }
  }

  /** The fetch that is open for it no longer counts. */
  release(partition: Partition): void {
    partition.fetchToken++;
    partition.fetchingFrom = null;
    partition.storageFailsSinceMs = null;
  }

  /** Returns until when. */
  pause(partition: Partition): number {
    const { clock, random } = this.#options.cluster.host;
    partition.failedUnder = this.#options.cluster.metadata.leadership(partition.topic.id, partition.partition);
    partition.retryAtMs = clock.monotonicMs() + backoffMs(random, ++partition.failures, RETRY);
    return partition.retryAtMs;
  }

  #take(partition: Partition, answer: pb.FetchedPartition): void {
    const { metadata } = this.#options.cluster;
    const known = metadata.partition(partition.topic.id, partition.partition);
    // A leader that was deposed and has not heard of it: its answer may hold what its successor never had.
    if (known !== undefined && answer.leaderEpoch >= 0 && answer.leaderEpoch < known.leaderEpoch) {
      this.pause(partition);
      return metadata.requestRefresh();
    }
    const { bytes, error } = buffer(partition, answer);
    this.#options.buffered(bytes);
    if (error !== null) this.#options.failed(partition, error);
    if (partition.ready || partition.exhausted) this.#options.arrived(partition);
  }

  #refused(partition: Partition, answer: pb.FetchedPartition): void {
    const { cluster, outOfRange, failed } = this.#options;
    const meaning = refusal(partition, answer, cluster.host.clock.monotonicMs(), cluster.logger);
    if (meaning === "out-of-range") return outOfRange(partition);
    if (meaning !== "again") return failed(partition, meaning);
    this.pause(partition);
    cluster.metadata.hint(partition.topic.id, partition.partition, answer.leader);
  }
}
