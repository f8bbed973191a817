import type { Clock, Logger } from "@ottla/host";
import {
  assert,
  type Effects,
  type Entry,
  type Envelope,
  type Input,
  type Load,
  type Proposal,
  type Raft,
  type Voter,
  type Voters,
} from "../raft/index.ts";
import { Delivery } from "./delivery.ts";
import type { EntryLog } from "./entry-log.ts";
import { NotLeaderError, VoterChangeError, type QuorumListener } from "./listener.ts";
import { encodeMessage } from "./messages.ts";
import { Promises } from "./promises.ts";
import { Proposals } from "./proposals.ts";
import { Reads } from "./reads.ts";
import { Ticker } from "./ticker.ts";
import type { VoteFile } from "./vote-file.ts";
import { Writer } from "./writer.ts";

export interface EngineOptions {
  readonly clock: Clock;
  readonly nodeId: number;
  readonly logger: Logger;
  readonly listener: QuorumListener;
  readonly log: EntryLog;
  readonly votes: VoteFile;
  readonly raft: Raft;
  send(to: Voter, bytes: Uint8Array): void;
  /** The core took a step; what it owes besides disk and messages is in `effects`. */
  stepped(input: Input, effects: Effects): void;
  failed(error: Error): void;
}

/** Carries out what the core decides and tells it what came of that. Never waits for the disk: a finished write is one more input. */
export class Engine {
  readonly raft: Raft;
  readonly log: EntryLog;
  readonly proposals: Proposals;
  readonly writer: Writer;
  readonly #options: EngineOptions;
  readonly #delivery: Delivery;
  readonly #ticker: Ticker;
  readonly #reads: Reads;
  readonly #promises: Promises;
  #lastPersist = 0;
  #ended = false;
  #stepping = false;

  constructor(options: EngineOptions) {
    const { clock, logger, listener, log, votes, raft } = options;
    this.#options = options;
    this.raft = raft;
    this.log = log;
    const onFatal = (error: Error): void => this.fail(error);
    this.writer = new Writer({ votes, log, clock, logger, onPersisted: (id) => this.#persisted(id), onFatal });
    this.#delivery = new Delivery(raft, log, listener, onFatal);
    this.#reads = new Reads(
      (id) => this.step({ kind: "read", id }),
      () => this.notLeader("read"),
    );
    this.proposals = new Proposals((proposals, term) => this.#append(proposals, term));
    this.#promises = new Promises((envelopes) => this.#send(envelopes));
    this.#ticker = new Ticker(
      clock,
      () => raft.quietTicks,
      () => this.step({ kind: "tick" }),
    );
  }

  get deliveredIndex(): number {
    return this.#delivery.deliveredIndex;
  }

  /** Closed or failed: nothing is sent, answered or delivered any more. */
  get ended(): boolean {
    return this.#ended;
  }

  start(): void {
    this.#ticker.start();
  }

  /** Durable entries, or a failure of the log. */
  progressed(): void {
    if (!this.#ended) this.writer.check();
  }

  /** @throws NotLeaderError outside `leading`..`lost` and while leadership is handed over
   * @throws VoterChangeError
   * @throws Error of the log, which is full */
  propose(data: Uint8Array, voters: Voters | null): number {
    assert(data.length > 0, () => "an empty entry was proposed: those mark the beginning of a term");
    const { raft } = this;
    if (this.#ended || raft.role !== "leader" || this.#delivery.leadingTerm !== raft.term || raft.transferring)
      throw this.notLeader("append an entry");
    if (this.log.failure !== null) throw this.log.failure;
    if (voters !== null) {
      this.proposals.flush();
      const why = raft.whyNotVoters(voters);
      if (why !== null) throw new VoterChangeError(why);
    }
    const index = this.proposals.add({ data, voters }, raft.term, raft.lastIndex);
    if (voters !== null) this.proposals.flush();
    return index;
  }

  /** @throws NotLeaderError */
  readIndex(signal: AbortSignal): Promise<number> {
    if (this.#ended || this.raft.role !== "leader") return Promise.reject(this.notLeader("read"));
    return this.#reads.wait(signal);
  }

  step(input: Input): void {
    if (this.#ended) return;
    assert(!this.#stepping, () => `input ${input.kind} came within a step`);
    this.#stepping = true;
    let effects: Effects;
    try {
      effects = this.raft.step(input);
      this.#carryOut(effects);
    } catch (error) {
      return this.fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#stepping = false;
    }
    this.#deliver(effects);
    this.#options.stepped(input, effects);
    if (input.kind !== "tick") this.#ticker.adjust();
  }

  notLeader(action: string): NotLeaderError {
    const { role, leader } = this.raft;
    const { nodeId } = this.#options;
    return new NotLeaderError(action, nodeId, role === "leader" ? nodeId : (leader ?? -1));
  }

  /** What the core believes and what the disk holds can no longer be trusted to agree. */
  fail(error: Error): void {
    if (this.#ended) return;
    this.#end();
    this.#promises.drop();
    void this.#delivery.stop();
    this.#options.failed(error);
  }

  async close(): Promise<void> {
    this.#end();
    await this.#delivery.stop();
    await this.writer.close();
  }

  #end(): void {
    this.#ended = true;
    this.#ticker.stop();
    this.#reads.close();
  }

  #carryOut(effects: Effects): void {
    this.#send(effects.messages);
    const { persist } = effects;
    if (persist !== null) {
      this.#lastPersist = persist.id;
      this.writer.save(persist);
    }
    this.#promises.hold(this.#lastPersist, effects.promises);
    for (const load of effects.loads) void this.#load(load);
    for (const read of effects.reads) this.#reads.answer(read.id, read.index);
  }

  #deliver({ lost, committed, leading, transferUndone }: Effects): void {
    if (lost !== null) {
      this.proposals.lost();
      this.#delivery.push({ kind: "lost", term: lost });
    }
    if (committed !== null) {
      this.proposals.committed(committed.to);
      this.#delivery.push({ kind: "committed", ...committed });
    }
    if (leading !== null) this.#delivery.push({ kind: "leading", term: leading });
    if (transferUndone && this.#delivery.leadingTerm === this.raft.term) this.#options.listener.resumed();
  }

  #send(envelopes: readonly Envelope[]): void {
    for (const { to, message } of envelopes) this.#options.send(to, encodeMessage(message));
  }

  /** Leadership that went meanwhile takes along what was gathered, as it does with everything not committed. */
  #append(proposals: readonly Proposal[], term: number): void {
    if (this.raft.role === "leader" && this.raft.term === term) this.step({ kind: "propose", proposals });
  }

  #persisted(id: number): void {
    if (this.#ended) return;
    this.#promises.persisted(id);
    this.step({ kind: "persisted", id });
  }

  async #load(load: Load): Promise<void> {
    let entries: readonly Entry[] = [];
    try {
      entries = await this.log.read(load.from, load.until, load.maxBytes);
    } catch (error) {
      if (this.#ended) return;
      const { from, until, peer } = load;
      this.#options.logger.error({ error, from, until, peer }, "cannot read entries for another controller");
    }
    this.step({ kind: "loaded", peer: load.peer, entries });
  }
}
