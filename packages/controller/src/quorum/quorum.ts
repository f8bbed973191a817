import type { Attributes, Metric, Session } from "@ottla/host";
import { assert, type Effects, type Entry, type Envelope, type Input, type Limits, type Load, type Raft } from "../raft/index.ts";
import { Delivery } from "./delivery.ts";
import type { EntryLog } from "./entry-log.ts";
import { Inbound } from "./inbound.ts";
import { Link } from "./link.ts";
import { NotLeaderError } from "./listener.ts";
import { openStorage } from "./open.ts";
import type { QuorumOptions, QuorumStatus } from "./options.ts";
import { Promises } from "./promises.ts";
import { Proposals } from "./proposals.ts";
import { Reads } from "./reads.ts";
import { raftMetrics } from "./samples.ts";
import { Ticker } from "./ticker.ts";
import type { VoteFile } from "./vote-file.ts";
import { Writer } from "./writer.ts";

const TICK_MS = 10;

/** Raft meets disk and network: carries out what the core decides and tells it what came of that. Never waits for the disk: a finished write is
 * one more input. */
export class Quorum {
  readonly #options: QuorumOptions;
  readonly #raft: Raft;
  readonly #log: EntryLog;
  readonly #votes: VoteFile;
  readonly #writer: Writer;
  readonly #delivery: Delivery;
  readonly #inbound: Inbound;
  readonly #links = new Map<number, Link>();
  readonly #ticker: Ticker;
  readonly #reads: Reads;
  readonly #proposals: Proposals;
  readonly #promises: Promises;
  #lastPersist = 0;
  #failed: Error | null = null;
  #stepping = false;
  #closed = false;

  private constructor(options: QuorumOptions, storage: { log: EntryLog; votes: VoteFile; raft: Raft }) {
    const { host, nodeId, directoryId, voters, logger, listener } = options;
    this.#options = options;
    this.#raft = storage.raft;
    this.#log = storage.log;
    this.#votes = storage.votes;
    const fatal = (error: Error): void => this.#fail(error);
    this.#writer = new Writer({
      votes: this.#votes,
      log: this.#log,
      clock: host.clock,
      logger,
      onPersisted: (id) => this.#persisted(id),
      onFatal: fatal,
    });
    this.#delivery = new Delivery(this.#raft, this.#log, listener, fatal);
    this.#inbound = new Inbound({ nodeId, directoryId }, voters, logger, (from, message) => this.#step({ kind: "message", from, message }));
    this.#reads = new Reads(
      (id) => this.#step({ kind: "read", id }),
      () => this.#notLeader("read"),
    );
    this.#proposals = new Proposals((data, term) => this.#append(data, term));
    this.#promises = new Promises((envelopes) => this.#send(envelopes));
    this.#ticker = new Ticker(
      host.clock,
      () => this.#raft.quietTicks,
      () => this.#step({ kind: "tick" }),
    );
  }

  /** @throws Error when the log or the vote of this controller are damaged or missing: a voter that lost part of them must not vote */
  static async open(options: QuorumOptions): Promise<Quorum> {
    const limits: Limits = {
      heartbeatTicks: Math.max(1, Math.round(options.heartbeatIntervalMs / TICK_MS)),
      electionTicks: Math.max(1, Math.round(options.electionTimeoutMs / TICK_MS)),
      maxMessageBytes: 1 << 20,
      maxInFlightBytes: 4 << 20,
      tailBytes: 4 << 20,
    };
    let quorum: Quorum | null = null;
    const storage = await openStorage(options, limits, {
      progress: () => {
        if (quorum !== null && !quorum.#closed && quorum.#failed === null) quorum.#writer.check();
      },
      fatal: (error) => {
        if (quorum === null) options.onFatal(error);
        else quorum.#fail(error);
      },
    });
    quorum = new Quorum(options, storage);
    return quorum;
  }

  get status(): QuorumStatus {
    const { role, term, leader, firstIndex, lastIndex, commitIndex } = this.#raft;
    return { role: role === "pre-candidate" ? "candidate" : role, term, leader: leader ?? -1, firstIndex, lastIndex, commitIndex };
  }

  /** Begins to take part. A single voter leads within two syncs. */
  start(): void {
    const { host, nodeId, voters, logger } = this.#options;
    const dial = this.#options.dial.bind(this.#options);
    for (const peer of voters) {
      if (peer.nodeId === nodeId) continue;
      const onBroken = (): void => this.#step({ kind: "broken", peer: peer.nodeId });
      const onLost = (): void => this.#step({ kind: "lost", peer: peer.nodeId });
      this.#links.set(peer.nodeId, new Link({ host, peer, logger, dial, onBroken, onLost }));
    }
    this.#ticker.start();
  }

  /** Appends at the leader and returns the index the entry has if it commits. The bytes belong to the quorum from here on.
   * @throws NotLeaderError outside `leading`..`lost`
   * @throws LogFailedError while the disk is full: nothing was appended
   * @throws ProtocolError THROTTLING_QUOTA_EXCEEDED: too much is waiting to be committed; retry after some of it was delivered */
  propose(data: Uint8Array): number {
    assert(data.length > 0, () => "an empty entry was proposed: those mark the beginning of a term");
    if (this.#closed || this.#failed !== null || this.#raft.role !== "leader" || this.#delivery.leadingTerm !== this.#raft.term)
      throw this.#notLeader("append an entry");
    if (this.#log.failure !== null) throw this.#log.failure;
    return this.#proposals.add(data, this.#raft.term, this.#raft.lastIndex);
  }

  /** The index up to which a reader must have applied to see everything that was committed before this call (Raft dissertation §6.4).
   * @throws NotLeaderError when this voter does not lead, or stops leading before a majority confirmed it */
  readIndex(signal: AbortSignal): Promise<number> {
    if (this.#closed || this.#failed !== null || this.#raft.role !== "leader") return Promise.reject(this.#notLeader("read"));
    return this.#reads.wait(signal);
  }

  /** Drops entries before `beforeIndex` from the log, which a checkpoint covers; the last delivered entry, and what another voter is known to lack,
   * stay. */
  async trim(beforeIndex: number): Promise<void> {
    const held = this.#raft.heldByAll;
    const until = Math.min(beforeIndex, this.#delivery.deliveredIndex, held ?? Number.MAX_SAFE_INTEGER);
    if (until <= this.#raft.firstIndex || this.#closed || this.#failed !== null) return;
    this.#raft.trimmed(until);
    await this.#log.trim(until);
  }

  /** Takes the stream of another voter.
   * @throws NetworkError when it is none */
  accept(session: Session): Attributes {
    return this.#inbound.accept(session);
  }

  samples(): Metric[] {
    return raftMetrics(this.status, this.#log.sizeBytes, this.#proposals.uncommittedBytes, this.#links);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#ticker.stop();
    this.#reads.close();
    await Promise.all([this.#inbound.close(), this.#delivery.stop(), ...[...this.#links.values()].map((link) => link.close())]);
    await this.#writer.close();
    await this.#log.close();
    await this.#votes.close();
  }

  #step(input: Input): void {
    if (this.#closed || this.#failed !== null) return;
    assert(!this.#stepping, () => `input ${input.kind} came within a step`);
    this.#stepping = true;
    let effects: Effects;
    try {
      effects = this.#raft.step(input);
      this.#carryOut(effects);
    } catch (error) {
      return this.#fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#stepping = false;
    }
    this.#deliver(effects);
    if (input.kind !== "tick") this.#ticker.adjust();
  }

  #carryOut(effects: Effects): void {
    this.#send(effects.messages);
    if (effects.persist !== null) {
      this.#lastPersist = effects.persist.id;
      this.#writer.save(effects.persist);
    }
    this.#promises.hold(this.#lastPersist, effects.promises);
    for (const load of effects.loads) void this.#load(load);
    for (const read of effects.reads) this.#reads.answer(read.id, read.index);
  }

  #deliver({ lost, committed, leading }: Effects): void {
    if (lost !== null) {
      this.#proposals.lost();
      this.#delivery.push({ kind: "lost", term: lost });
    }
    if (committed !== null) {
      this.#proposals.committed(committed.to);
      this.#delivery.push({ kind: "committed", ...committed });
    }
    if (leading !== null) this.#delivery.push({ kind: "leading", term: leading });
  }

  #send(envelopes: readonly Envelope[]): void {
    for (const { to, message } of envelopes) this.#links.get(to)?.send(message);
  }

  /** Leadership that went meanwhile takes along what was gathered, as it does with everything not committed. */
  #append(data: readonly Uint8Array[], term: number): void {
    if (this.#raft.role === "leader" && this.#raft.term === term) this.#step({ kind: "propose", data });
  }

  #persisted(id: number): void {
    if (this.#closed || this.#failed !== null) return;
    this.#promises.persisted(id);
    this.#step({ kind: "persisted", id });
  }

  async #load(load: Load): Promise<void> {
    let entries: readonly Entry[] = [];
    try {
      entries = await this.#log.read(load.from, load.until, load.maxBytes);
    } catch (error) {
      if (this.#closed) return;
      this.#options.logger.error(
        { error, from: load.from, until: load.until, peer: load.peer },
        "cannot read entries for another controller",
      );
    }
    this.#step({ kind: "loaded", peer: load.peer, entries });
  }

  #notLeader(action: string): NotLeaderError {
    const { role, leader } = this.#raft;
    return new NotLeaderError(action, this.#options.nodeId, role === "leader" ? this.#options.nodeId : (leader ?? -1));
  }

  /** What the core believes and what the disk holds can no longer be trusted to agree: nothing is sent, answered or delivered any more. */
  #fail(error: Error): void {
    if (this.#failed !== null || this.#closed) return;
    this.#failed = error;
    this.#ticker.stop();
    this.#promises.drop();
    this.#reads.close();
    void this.#delivery.stop();
    this.#options.onFatal(error);
  }
}
