import type { Randomness } from "../core.ts";
import { Raft } from "../raft.ts";
import type { Effects, Entry, Envelope, Input, Limits, Load, Voter } from "../types.ts";
import { SimulatedDisk, type Checkpoint } from "./disk.ts";
import { chain } from "./hash.ts";
import type { Sabotage } from "./sabotage.ts";

/** As many as a read of the log gives, whatever their size. */
const LOADED_ENTRIES = 4;

/** What came of an input. */
export interface Result {
  readonly effects: Effects;
  /** May leave now. */
  readonly messages: readonly Envelope[];
}

/** One node and its disk, driven by hand: what it owes comes back from every call. */
export class SimulatedVoter {
  self: Voter;
  disk: SimulatedDisk;
  raft: Raft;
  /** Counted for one incarnation. */
  ticks = 0;
  /** How far this node's state goes. */
  applied: { readonly index: number; readonly hash: number };
  /** Peers that this node is to send a snapshot, in the order they were asked for. */
  wantedSnapshots: Voter[] = [];
  /** It was told that it holds less than it acknowledged. */
  mute = false;
  readonly #limits: Limits;
  readonly #random: Randomness;
  readonly #sabotage: Sabotage | null;
  #promises: { readonly after: number; readonly envelopes: readonly Envelope[] }[] = [];
  #loads: Load[] = [];
  #lastPersist = 0;
  /** Only with the sabotage that lies about it: told to be on disk. */
  #told = 0;

  constructor(self: Voter, disk: SimulatedDisk, limits: Limits, random: Randomness, sabotage: Sabotage | null) {
    this.self = self;
    this.disk = disk;
    this.#limits = limits;
    this.#random = random;
    this.#sabotage = sabotage;
    this.raft = this.#start();
    this.applied = { index: disk.checkpoint.last.index, hash: disk.checkpoint.hash };
  }

  get loads(): readonly Load[] {
    return this.#loads;
  }

  step(input: Input): Result {
    if (input.kind === "tick") this.ticks++;
    return this.#carryOut(this.raft.step(input));
  }

  /** A snapshot has arrived in whole, and is needed: the node ends, and begins anew from it, as after a restart. */
  install(snapshot: Checkpoint, random: Randomness): void {
    this.disk.crash(random, snapshot);
    this.#begin();
  }

  /** Something is left for `sync` to do. */
  get writing(): boolean {
    return this.#sabotage === "persisted-before-synced" ? this.#told < this.#lastPersist : this.disk.writing;
  }

  /** Finishes the oldest write. */
  sync(): Result {
    return this.#persisted(this.#sabotage === "persisted-before-synced" ? ++this.#told : this.disk.sync());
  }

  answerLoad(): Result {
    const load = this.#loads.shift();
    if (load === undefined) throw new Error("nothing is being loaded");
    const entries: readonly Entry[] = this.disk.read(load.from, load.until, LOADED_ENTRIES);
    return this.step({ kind: "loaded", peer: load.peer, entries });
  }

  /** Saves the state, as far as the log that led to it is on disk. */
  checkpoint(): void {
    const term = this.raft.termAt(this.applied.index);
    if (this.applied.index === 0 || term === null || this.applied.index > this.disk.lastIndex) return;
    const { index, hash } = this.applied;
    this.disk.checkpoint = { last: { index, term }, voters: this.raft.votersAt(index), hash };
  }

  trim(index: number): void {
    this.raft.trimmed(index);
    this.disk.trim(index);
  }

  /** Loses what was not synced, as far as chance wants it; 0 loses all. */
  restart(random: Randomness): void {
    this.disk.crash(random);
    if (this.#sabotage === "forget-vote-on-restart") this.disk.votedFor = null;
    if (this.#sabotage === "forget-term-on-restart") {
      this.disk.term = 0;
      this.disk.votedFor = null;
    }
    if (this.#sabotage === "lose-synced-tail-on-restart" && this.disk.lastIndex > this.disk.checkpoint.last.index) this.disk.loseLast();
    this.#begin();
  }

  /** Comes back under the same id with what its disk held once. Its vote is not old: what an old one costs nobody can make good. */
  goBack(copy: SimulatedDisk): void {
    copy.term = this.disk.term;
    copy.votedFor = this.disk.votedFor;
    this.disk = copy;
    this.#begin();
  }

  /** Comes back with an empty directory, as somebody else. */
  wipe(directoryId: string): void {
    this.self = { nodeId: this.self.nodeId, directoryId };
    this.disk = new SimulatedDisk();
    this.#begin();
  }

  #begin(): void {
    this.#promises = [];
    this.#loads = [];
    this.wantedSnapshots = [];
    this.mute = false;
    this.#lastPersist = 0;
    this.#told = 0;
    this.ticks = 0;
    this.raft = this.#start();
    this.applied = { index: this.disk.checkpoint.last.index, hash: this.disk.checkpoint.hash };
  }

  #carryOut(effects: Effects): Result {
    const { persist, promises, messages, committed } = effects;
    for (const load of effects.loads) this.#loads.push(load);
    for (const peer of effects.snapshots) this.wantedSnapshots.push(peer);
    if (effects.suspended?.voter === this.self) this.mute = true;
    if (persist !== null) {
      this.#lastPersist = persist.id;
      this.disk.write(persist);
    }
    if (committed !== null) this.#apply(committed.to);
    if (promises.length === 0) return { effects, messages };
    if (this.#sabotage === "promises-before-persist") return { effects, messages: [...messages, ...promises] };
    this.#promises.push({ after: this.#lastPersist, envelopes: promises });
    return { effects, messages };
  }

  #apply(to: number): void {
    let { index, hash } = this.applied;
    while (index < to) {
      const entry = this.disk.seen(++index);
      if (entry === undefined) throw new Error(`ApplyOrder: node ${this.self.nodeId} is to apply entry ${index}, which it does not hold`);
      hash = chain(hash, entry);
    }
    this.applied = { index, hash };
  }

  #persisted(id: number): Result {
    const released: Envelope[] = [];
    for (let head = this.#promises[0]; head !== undefined && head.after <= id; head = this.#promises[0]) {
      released.push(...head.envelopes);
      this.#promises.shift();
    }
    const { effects, messages } = this.step({ kind: "persisted", id });
    return { effects, messages: [...released, ...messages] };
  }

  #start(): Raft {
    return new Raft({ self: this.self, limits: this.#limits, random: this.#random, restored: this.disk.restored() });
  }
}
