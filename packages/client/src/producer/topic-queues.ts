import type { Cluster } from "../connection/cluster.ts";
import type { Lane } from "./lane.ts";
import { allSettled } from "./ledger.ts";
import { Placement } from "./partitioner.ts";
import type { Pipeline } from "./pipeline.ts";
import { refused } from "./refusals.ts";
import type { ProducerSettings } from "./settings.ts";
import { TopicQueue } from "./topic-queue.ts";

/** The topics that a producer has sent to, kept fresh until {@link TopicQueues.close}. */
export class TopicQueues {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #pipeline: Pipeline;
  readonly #queues = new Map<string, TopicQueue>();
  readonly #endings: (() => void)[] = [];

  constructor(cluster: Cluster, settings: ProducerSettings, pipeline: Pipeline) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#pipeline = pipeline;
    this.#endings.push(cluster.metadata.onChange(() => this.#metadataChanged()));
  }

  [Symbol.iterator](): Iterator<TopicQueue> {
    return this.#queues.values();
  }

  *lanes(): Generator<Lane> {
    for (const queue of this.#queues.values()) yield* queue.lanes;
  }

  known(name: string): TopicQueue | undefined {
    return this.#queues.get(name);
  }

  of(name: string): TopicQueue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const { partitioner, idempotent } = this.#settings;
    const { gathering } = this.#pipeline;
    const queue = new TopicQueue(name, {
      placement: new Placement(partitioner, this.#cluster.host.random.below(1 << 16)),
      idempotent,
      room: (bytes) => gathering.room(bytes),
      put: (lane, outgoing, delivery, startedMs) => gathering.put(lane, outgoing, delivery, startedMs),
    });
    this.#queues.set(name, queue);
    this.#endings.push(this.#cluster.metadata.watch(name, true));
    const info = this.#cluster.metadata.topic(name);
    if (info !== undefined) queue.learn(info);
    return queue;
  }

  /** There is room again. */
  admit(): void {
    for (const queue of this.#queues.values()) if (queue.calls.length > 0) queue.admit();
  }

  /** First everything that waits for room finds it, then all batches are settled. */
  async drained(): Promise<void> {
    const calls = [...this.#queues.values()].flatMap((queue) => [...queue.calls]);
    const admissions = calls.map((call) => {
      const { admitted } = call;
      return new Promise<void>((resolve) => {
        call.admitted = () => {
          admitted?.();
          resolve();
        };
      });
    });
    await Promise.all(admissions);
    await allSettled(this.lanes());
  }

  close(): void {
    for (const end of this.#endings) end();
  }

  #metadataChanged(): void {
    const { metadata } = this.#cluster;
    for (const queue of this.#queues.values()) {
      const verdict = metadata.verdict(queue.name);
      const info = metadata.topic(queue.name);
      if (verdict !== null) {
        queue.refuse(Number.POSITIVE_INFINITY, () => refused(queue.name, verdict));
        for (const lane of queue.lanes) this.#pipeline.fail(lane, verdict);
      } else if (info !== undefined) {
        queue.learn(info);
        for (const lane of queue.lanes) this.#pipeline.moved(lane);
      }
    }
  }
}
