import type { Frame, Timer } from "@ottla/host";
import { pb } from "@ottla/protocol";
import type { Cluster } from "../connection/cluster.ts";
import type { ConsumeError } from "../errors.ts";
import { FetchOutcomes } from "./fetch-outcomes.ts";
import { fetchRequest } from "./fetch-request.ts";
import type { Partition } from "./partition.ts";
import type { ConsumerSettings } from "./settings.ts";

/** Of one broker. Partitions with a backlog share so many fetches, so that one is on its way while another is read from the log. */
const MAX_BACKLOG_FETCHES = 3;
/** With the long polls of partitions that have none: enough that one whose turn comes need not wait for theirs to end. */
const MAX_OPEN_FETCHES = 8;
const ANSWER_SLACK_MS = 3_000;
/** An answer that is later than this makes us ask whether somebody else leads by now. */
const PATIENCE_MS = 1_000;

export interface FetcherOptions {
  readonly cluster: Cluster;
  readonly settings: ConsumerSettings;
  /** There is something to hand out, or nothing more will come. */
  readonly arrived: (partition: Partition) => void;
  readonly outOfRange: (partition: Partition) => void;
  readonly failed: (partition: Partition, error: ConsumeError) => void;
}

/** Keeps the partitions fetched ahead within `prefetchBytes`, with few long polls at each leader. */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #outcomes: FetchOutcomes;
  #partitions: Partition[] = [];
  readonly #open = new Map<number, number>();
  #bufferedBytes = 0;
  /** What open fetches may bring. */
  #expectedBytes = 0;
  #scheduled = false;
  #timer: Timer | null = null;
  readonly #closing = new AbortController();

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#outcomes = new FetchOutcomes({ ...options, buffered: (bytes) => (this.#bufferedBytes += bytes) });
  }

  add(partitions: readonly Partition[]): void {
    this.#partitions.push(...partitions);
    this.schedule();
  }

  /** Bytes left the buffer. */
  freed(bytes: number): void {
    this.#bufferedBytes -= bytes;
    this.schedule();
  }

  /** Leaders may have changed: polls at former leaders no longer count. */
  moved(): void {
    const { metadata } = this.#options.cluster;
    for (const partition of this.#partitions) {
      const leader = metadata.partition(partition.topic.id, partition.partition)?.leader ?? -1;
      if (partition.fetchingFrom !== null && leader >= 0 && leader !== partition.fetchingFrom) this.#outcomes.release(partition);
      const leadership = metadata.leadership(partition.topic.id, partition.partition);
      if (leadership !== null && leadership !== partition.failedUnder) partition.retryAtMs = Number.NEGATIVE_INFINITY;
    }
    this.schedule();
  }

  schedule(): void {
    if (this.#scheduled || this.#closing.signal.aborted) return;
    this.#scheduled = true;
    this.#options.cluster.host.clock.soon(() => {
      this.#scheduled = false;
      if (!this.#closing.signal.aborted) this.#run();
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#closing.abort(new Error("the consumer is closed"));
  }

  #run(): void {
    const { cluster, settings } = this.#options;
    const nowMs = cluster.host.clock.monotonicMs();
    const byLeader = new Map<number, Partition[]>();
    let nextRetryMs = Number.POSITIVE_INFINITY;
    for (const partition of this.#partitions) {
      if (!partition.located || partition.paused || partition.fetchingFrom !== null || partition.exhausted) continue;
      if (partition.bufferedBytes >= 2 * settings.maxPartitionBytes) continue;
      if (partition.retryAtMs > nowMs) {
        nextRetryMs = Math.min(nextRetryMs, partition.retryAtMs);
        continue;
      }
      const leader = cluster.metadata.partition(partition.topic.id, partition.partition)?.leader ?? -1;
      if (leader < 0 || cluster.link(leader) === undefined) {
        cluster.metadata.requestRefresh();
        nextRetryMs = Math.min(nextRetryMs, this.#outcomes.pause(partition));
      } else byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    for (const [leader, partitions] of byLeader) this.#fetchAll(leader, partitions);
    this.#timer?.cancel();
    this.#timer = nextRetryMs === Number.POSITIVE_INFINITY ? null : cluster.host.clock.after(nextRetryMs - nowMs, () => this.schedule());
  }

  #fetchAll(leader: number, partitions: readonly Partition[]): void {
    const { maxBytes, maxPartitionBytes } = this.#options.settings;
    const backlog = partitions.filter(({ highWatermark, fetchOffset }) => highWatermark > fetchOffset);
    const fit = Math.max(1, Math.floor(maxBytes / maxPartitionBytes));
    const each = Math.min(fit, Math.ceil(backlog.length / MAX_BACKLOG_FETCHES));
    for (let from = 0; from < backlog.length && this.#openAt(leader) < MAX_BACKLOG_FETCHES; from += each)
      this.#fetch(leader, backlog.slice(from, from + each), maxBytes);
    const idle = partitions.filter(({ highWatermark, fetchOffset }) => highWatermark <= fetchOffset);
    // Little is expected of them, or their long polls would hold room that a backlog could use.
    if (idle.length > 0) this.#fetch(leader, idle, Math.min(maxBytes, maxPartitionBytes));
  }

  #openAt(leader: number): number {
    return this.#open.get(leader) ?? 0;
  }

  #fetch(leader: number, partitions: readonly Partition[], mostBytes: number): void {
    const { cluster, settings } = this.#options;
    const link = cluster.link(leader);
    const open = this.#openAt(leader);
    const maxBytes = Math.min(
      mostBytes,
      partitions.length * settings.maxPartitionBytes,
      settings.prefetchBytes - this.#bufferedBytes - this.#expectedBytes,
    );
    if (link === undefined || open >= MAX_OPEN_FETCHES || (maxBytes <= 0 && this.#bufferedBytes + this.#expectedBytes > 0)) return;
    // Fair turns: those fetched now come last next time.
    const now = new Set(partitions);
    this.#partitions = [...this.#partitions.filter((each) => !now.has(each)), ...partitions];
    const sent = partitions.map((partition) => {
      partition.fetchingFrom = leader;
      return { partition, token: ++partition.fetchToken };
    });
    const encode = (correlationId: number): Frame => [
      pb.FetchRequest.encode(fetchRequest(cluster, settings, correlationId, Math.max(1, maxBytes), partitions)),
    ];
    this.#open.set(leader, open + 1);
    this.#expectedBytes += maxBytes;
    const over = (): void => {
      this.#expectedBytes -= maxBytes;
      this.#open.set(leader, this.#openAt(leader) - 1);
    };
    link.fetch
      .request(encode, {
        timeoutMs: settings.maxWaitMs + ANSWER_SLACK_MS + link.backoffMs,
        patienceMs: settings.maxWaitMs + PATIENCE_MS,
        signal: this.#closing.signal,
        what: "Fetch",
      })
      .then(
        (response) => {
          over();
          this.#outcomes.answered(sent, response);
          // At once: the next is on its way while the reader is at what came, or it would be waited for each time.
          if (!this.#closing.signal.aborted) this.#run();
        },
        (error: unknown) => {
          over();
          if (this.#closing.signal.aborted) return;
          this.#outcomes.broken(sent, error);
          this.schedule();
        },
      );
  }
}
