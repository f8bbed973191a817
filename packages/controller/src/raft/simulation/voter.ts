import type { Randomness } from "../core.ts";
import { Raft } from "../raft.ts";
import type { Effects, Entry, Envelope, Input, Limits, Load, Voter } from "../types.ts";
import { SimulatedDisk } from "./disk.ts";

/** Ways to break the contract between the core and its caller, to see that the checks notice. */
/** As many as a read of the log gives, whatever their size. */
const LOADED_ENTRIES = 4;

export const SABOTAGES = [
  "promises-before-persist",
  "forget-vote-on-restart",
  "forget-term-on-restart",
  "persisted-before-synced",
  "lose-synced-tail-on-restart",
] as const;
export type Sabotage = (typeof SABOTAGES)[number];

/** One voter and its disk, driven by hand: what it owes comes back from every call. */
export class SimulatedVoter {
  readonly self: Voter;
  readonly disk = new SimulatedDisk();
  raft: Raft;
  /** Counted for one incarnation. */
  ticks = 0;
  readonly #voters: readonly Voter[];
  readonly #limits: Limits;
  readonly #random: Randomness;
  readonly #sabotage: Sabotage | null;
  #promises: { readonly after: number; readonly envelopes: readonly Envelope[] }[] = [];
  #loads: Load[] = [];
  #lastPersist = 0;
  /** Only with the sabotage that lies about it: told to be on disk. */
  #told = 0;

  constructor(self: Voter, voters: readonly Voter[], limits: Limits, random: Randomness, sabotage: Sabotage | null) {
    this.self = self;
    this.#voters = voters;
    this.#limits = limits;
    this.#random = random;
    this.#sabotage = sabotage;
    this.raft = this.#start();
  }

  get loads(): readonly Load[] {
    return this.#loads;
  }

  step(input: Input): { effects: Effects; messages: readonly Envelope[] } {
    if (input.kind === "tick") this.ticks++;
    const effects = this.raft.step(input);
    this.#loads.push(...effects.loads);
    if (effects.persist !== null) {
      this.#lastPersist = effects.persist.id;
      this.disk.write(effects.persist);
    }
    if (effects.promises.length === 0) return { effects, messages: effects.messages };
    if (this.#sabotage === "promises-before-persist") return { effects, messages: [...effects.messages, ...effects.promises] };
    this.#promises.push({ after: this.#lastPersist, envelopes: effects.promises });
    return { effects, messages: effects.messages };
  }

  /** Something is left for `sync` to do. */
  get writing(): boolean {
    return this.#sabotage === "persisted-before-synced" ? this.#told < this.#lastPersist : this.disk.writing;
  }

  /** Finishes the oldest write. */
  sync(): { effects: Effects; messages: readonly Envelope[] } {
    return this.#persisted(this.#sabotage === "persisted-before-synced" ? ++this.#told : this.disk.sync());
  }

  answerLoad(): { effects: Effects; messages: readonly Envelope[] } {
    const load = this.#loads.shift();
    if (load === undefined) throw new Error("nothing is being loaded");
    const entries: readonly Entry[] = this.disk.read(load.from, load.until, LOADED_ENTRIES);
    return this.step({ kind: "loaded", peer: load.peer, entries });
  }

  /** Loses what was not synced, as far as chance wants it; 0 loses all. */
  restart(random: Randomness): void {
    this.disk.crash(random);
    if (this.#sabotage === "forget-vote-on-restart") this.disk.votedFor = null;
    if (this.#sabotage === "forget-term-on-restart") {
      this.disk.term = 0;
      this.disk.votedFor = null;
    }
    if (this.#sabotage === "lose-synced-tail-on-restart" && this.disk.lastIndex > this.disk.appliedIndex) this.disk.entries.pop();
    this.#promises = [];
    this.#loads = [];
    this.#lastPersist = 0;
    this.#told = 0;
    this.ticks = 0;
    this.raft = this.#start();
  }

  #persisted(id: number): { effects: Effects; messages: readonly Envelope[] } {
    const released: Envelope[] = [];
    for (let head = this.#promises[0]; head !== undefined && head.after <= id; head = this.#promises[0]) {
      released.push(...head.envelopes);
      this.#promises.shift();
    }
    const { effects, messages } = this.step({ kind: "persisted", id });
    return { effects, messages: [...released, ...messages] };
  }

  #start(): Raft {
    return new Raft({ self: this.self, voters: this.#voters, limits: this.#limits, random: this.#random, restored: this.disk.restored() });
  }
}
