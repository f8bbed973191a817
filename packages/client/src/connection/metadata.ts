import { delay, type Address, type Clock, type Logger, type Timer } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import { ProtocolError, type Uuid } from "@ottla/protocol";
import { ConnectionError, messageOf } from "../errors.ts";
import { Hunt } from "./hunt.ts";
import { verdictOf } from "./missing.ts";
import { orAborted } from "./or-aborted.ts";
import { Topics, type PartitionInfo, type TopicInfo } from "./topics.ts";
import { WatchedTopics } from "./watched.ts";

const MIN_GAP_MS = 100;

export interface MetadataOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxAgeMs: number;
  readonly closing: AbortSignal;
  /** The node cannot be reached, or keeps silent. */
  readonly troubled: (nodeId: number) => boolean;
  /** Another broker than the one that answered last is to be asked next. */
  readonly doubt: () => void;
  /** Asks any broker that answers. */
  readonly ask: (call: pb.MetadataCall) => Promise<pb.MetadataAnswer>;
}

/** Brokers, topics and leaders as last heard. Refreshed by age while topics are watched, and whenever somebody finds it wrong. */
export class Metadata {
  readonly #options: MetadataOptions;
  readonly #topics: Topics;
  readonly #watched = new WatchedTopics();
  readonly #listeners = new Set<() => void>();
  #brokers: ReadonlyMap<number, Address> = new Map();
  readonly #hunt: Hunt;
  #queued: Promise<void> | null = null;
  #running: Promise<void> = Promise.resolve();
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #doubted = false;
  #aging: Timer | null = null;
  #failure: unknown = null;

  constructor(options: MetadataOptions) {
    this.#options = options;
    this.#topics = new Topics(options.logger);
    this.#hunt = new Hunt(options.clock, () => this.#refreshUnheard());
    const onClosing = (): void => {
      this.#aging?.cancel();
      this.#hunt.end();
    };
    options.closing.addEventListener("abort", onClosing, { once: true });
  }

  get brokers(): ReadonlyMap<number, Address> {
    return this.#brokers;
  }

  /** Why the last refresh failed; null if it did not. */
  get failure(): unknown {
    return this.#failure;
  }

  topic(name: string): TopicInfo | undefined {
    return this.#topics.byName(name);
  }

  topicById(id: Uuid): TopicInfo | undefined {
    return this.#topics.byId(id);
  }

  partition(id: Uuid, partition: number): PartitionInfo | undefined {
    return this.#topics.byId(id)?.partitions[partition];
  }

  /** Names who leads the partition, and since which election; null while nobody does. */
  leadership(id: Uuid, partition: number): string | null {
    const { leader = -1, leaderEpoch = -1 } = this.partition(id, partition) ?? {};
    return leader < 0 ? null : `${leader} since ${leaderEpoch}`;
  }

  /** Keeps the topic fresh until the returned function is called. `create`: brokers may create it if it is missing and they allow that. */
  watch(name: string, create: boolean): () => void {
    // The gap is between two looks at the same; nobody has asked about this one yet.
    if (!this.#watched.has(name)) this.#notBeforeMs = Number.NEGATIVE_INFINITY;
    const end = this.#watched.add(name, create);
    return () => {
      if (end()) this.#topics.forget(name);
    };
  }

  /** Called after each answer; until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A broker said with an error who leads. */
  hint(id: Uuid, partition: number, hint: pb.LeaderHint | undefined): void {
    if (hint === undefined || !this.#topics.hint(id, partition, hint.nodeId, hint.leaderEpoch)) this.requestRefresh();
    else if (hint.nodeId >= 0 && !this.#brokers.has(hint.nodeId)) this.requestRefresh();
    else this.#notify();
  }

  /** Something is found wrong. */
  requestRefresh(): void {
    this.#hunt.begin();
    this.#refreshUnheard();
  }

  /** Asks another broker: one that other nodes cannot reach answers clients too, and tells the same for ever. */
  #refreshUnheard(): void {
    this.#doubted = true;
    this.refresh().catch(() => {}); // it is logged where it fails, and kept as `failure`
  }

  /** One that starts after this call; calls that come meanwhile share it. */
  refresh(): Promise<void> {
    this.#queued ??= this.#refreshNext();
    return this.#queued;
  }

  /** Why the topic cannot be used, once that is certain: it is refused, or unknown for longer than brokers need to hear of it. */
  verdict(name: string): ProtocolError | null {
    const problem = this.#topics.problem(name);
    if (problem === undefined) return this.#topics.byName(name) === undefined ? this.#outOfReach() : null;
    return verdictOf(problem, name, this.#topics.byName(name) !== undefined, this.#options.clock.monotonicMs());
  }

  /** The watched topic, as soon as a broker tells.
   * @throws ProtocolError its verdict; or the signal's reason */
  async resolve(name: string, signal: AbortSignal): Promise<TopicInfo> {
    for (;;) {
      signal.throwIfAborted();
      const verdict = this.verdict(name);
      if (verdict !== null) throw verdict;
      const known = this.#topics.byName(name);
      if (known !== undefined) return known;
      await orAborted(
        this.refresh().catch(() => delay(this.#options.clock, MIN_GAP_MS, signal)),
        signal,
      );
    }
  }

  /** Every address there is will never do. */
  #outOfReach(): ProtocolError | null {
    if (!(this.#failure instanceof ConnectionError) || this.#failure.retriable) return null;
    return new ProtocolError(this.#failure.error, this.#failure.message, { notAppended: true, cause: this.#failure });
  }

  async #refreshNext(): Promise<void> {
    const { clock, closing } = this.#options;
    await this.#running.catch(() => {}); // its own caller heard of it
    const waitMs = this.#notBeforeMs - clock.monotonicMs();
    if (waitMs > 0) await delay(clock, waitMs, closing);
    this.#queued = null;
    this.#running = this.#fetch();
    await this.#running;
  }

  async #fetch(): Promise<void> {
    const { clock, ask, doubt } = this.#options;
    if (this.#doubted) doubt();
    this.#doubted = false;
    const [created, plain] = [this.#watched.wanted(true), this.#watched.wanted(false)];
    try {
      if (created.length > 0) this.#apply(await ask(callFor(created, true)));
      if (plain.length > 0 || created.length === 0) this.#apply(await ask(callFor(plain, false)));
      this.#failure = null;
    } catch (error) {
      this.#failure = error;
      if (!this.#options.closing.aborted)
        this.#options.logger.warn({ error: messageOf(error) }, "cannot refresh what is known of the cluster");
      if (this.#outOfReach() !== null) this.#notify();
      throw error;
    } finally {
      this.#notBeforeMs = clock.monotonicMs() + MIN_GAP_MS;
      this.#age();
      if (!this.#options.closing.aborted && this.#leaderless()) this.#hunt.goOn();
    }
    this.#notify();
  }

  #apply(answer: pb.MetadataAnswer): void {
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    const asked = answer.topics.filter(({ name }) => this.#watched.has(name));
    this.#topics.apply(asked, answer.current, this.#options.clock.monotonicMs());
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }

  #leaderless(): boolean {
    const leaders = new Set<number>();
    for (const name of this.#watched.names) for (const { leader } of this.#topics.byName(name)?.partitions ?? []) leaders.add(leader);
    return [...leaders].some((leader) => leader < 0 || this.#options.troubled(leader));
  }

  #age(): void {
    this.#aging?.cancel();
    this.#aging = null;
    const { clock, maxAgeMs, closing } = this.#options;
    if (this.#watched.size > 0 && !closing.aborted) this.#aging = clock.after(maxAgeMs, () => this.#refreshUnheard());
  }
}

function callFor(names: string[], allowAutoCreation: boolean): pb.MetadataCall {
  return { names, topicIds: [], allTopics: false, allowAutoCreation };
}
