import type { Effects, Envelope, Input, Limits, Voter } from "../types.ts";
import { Checks } from "./checks.ts";
import { SeededRandom } from "./random.ts";
import { SimulatedVoter, type Sabotage } from "./voter.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly voters: number;
  readonly steps: number;
  readonly sabotage: Sabotage | null;
}

export interface Outcome {
  readonly committed: number;
  readonly terms: number;
  readonly crashes: number;
  readonly reads: number;
}

interface Letter {
  readonly from: Voter;
  readonly envelope: Envelope;
}

const MAX_LETTERS = 200;

/** Pure cores with simulated disks and a network that drops, repeats, reorders and delays; processes that crash and restart. All from one seed, checked after
 * every step. @throws Error that names the broken rule */
export class Simulation {
  readonly #random: SeededRandom;
  readonly #voters = new Map<number, SimulatedVoter>();
  readonly #checks: Checks;
  readonly #steps: number;
  readonly #limits: Limits;
  #letters: Letter[] = [];
  /** Cut off, with the term it had then. */
  #isolated: { readonly node: number; readonly term: number } | null = null;
  #crashes = 0;
  #nextRead = 1;
  #reads = 0;
  #proposed = 0;

  constructor(options: SimulationOptions) {
    this.#random = new SeededRandom(options.seed);
    this.#steps = options.steps;
    this.#limits = {
      heartbeatTicks: 2,
      electionTicks: 10 + this.#random.below(10),
      maxMessageBytes: 40 * (1 + this.#random.below(4)),
      maxInFlightBytes: 40 * (1 + this.#random.below(8)),
      tailBytes: this.#random.oneIn(2) ? 100 : 10_000,
    };
    const ids = Array.from({ length: options.voters }, (_, i) => ({ nodeId: i + 1, directoryId: `d${i + 1}` }));
    for (const self of ids) this.#voters.set(self.nodeId, new SimulatedVoter(self, ids, this.#limits, this.#random, options.sabotage));
    this.#checks = new Checks(this.#voters, this.#limits.electionTicks);
  }

  /** Faults first; then a calm in which a leader must be found and everything committed everywhere. */
  run(): Outcome {
    for (let step = 0; step < this.#steps; step++) this.#event();
    this.#calm();
    const terms = Math.max(...[...this.#voters.values()].map(({ raft }) => raft.term));
    return { committed: this.#checks.committedIndex, terms, crashes: this.#crashes, reads: this.#reads };
  }

  #event(): void {
    const voter = this.#random.pick([...this.#voters.values()]);
    const die = this.#random.below(1000);
    if (die < 250) this.#do(voter, { kind: "tick" });
    else if (die < 640) this.#deliver();
    else if (die < 800) this.#sync(voter);
    else if (die < 900) this.#propose(voter);
    else if (die < 930) this.#read(voter);
    else if (die < 950) this.#load(voter);
    else if (die < 960) this.#do(voter, { kind: this.#random.oneIn(2) ? "broken" : "lost", peer: this.#other(voter) });
    else if (die < 965) this.#crash(voter);
    else if (die < 980) this.#stranger(voter);
    else if (die < 984) this.#isolate(voter);
    else if (die < 990) this.#isolated = null;
    else this.#checkpoint(voter);
    this.#checkIsolated();
  }

  #do(voter: SimulatedVoter, input: Input): void {
    this.#watch(voter, input, () => voter.step(input));
  }

  #watch(voter: SimulatedVoter, input: Input, run: () => { effects: Effects; messages: readonly Envelope[] }): void {
    const before = this.#checks.before(voter);
    const { effects, messages } = run();
    this.#checks.after(voter, before, input, effects, messages);
    this.#reads += effects.reads.filter((read) => read.index !== null).length;
    for (const envelope of messages) this.#letters.push({ from: voter.self, envelope });
    while (this.#letters.length > MAX_LETTERS) this.#letters.splice(this.#random.below(this.#letters.length), 1);
  }

  #deliver(): void {
    if (this.#letters.length === 0) return;
    // Mostly in order, as sessions are; sometimes any letter.
    const at = this.#random.oneIn(4) ? this.#random.below(this.#letters.length) : 0;
    const letter = this.#letters[at];
    if (letter === undefined) return;
    const repeated = this.#random.oneIn(30);
    if (!repeated) this.#letters.splice(at, 1);
    const cutOff = letter.from.nodeId === this.#isolated?.node || letter.envelope.to === this.#isolated?.node;
    if (!cutOff && !this.#random.oneIn(20)) this.#hand(letter);
  }

  #hand({ from, envelope }: Letter): void {
    this.#do(this.#voter(envelope.to), { kind: "message", from, message: envelope.message });
  }

  #sync(voter: SimulatedVoter): void {
    if (voter.writing) this.#watch(voter, { kind: "persisted", id: 0 }, () => voter.sync());
  }

  #load(voter: SimulatedVoter): void {
    if (voter.loads.length > 0) this.#watch(voter, { kind: "loaded", peer: 0, entries: [] }, () => voter.answerLoad());
  }

  #propose(voter: SimulatedVoter): void {
    if (voter.raft.role !== "leader") return;
    const data = Array.from({ length: 1 + this.#random.below(3) }, () => new TextEncoder().encode(`p${++this.#proposed}`));
    this.#do(voter, { kind: "propose", data });
  }

  #read(voter: SimulatedVoter): void {
    if (voter.raft.role !== "leader") return;
    const id = this.#nextRead++;
    this.#checks.readBegins(id);
    this.#do(voter, { kind: "read", id });
  }

  #crash(voter: SimulatedVoter): void {
    this.#crashes++;
    voter.restart(this.#random);
    this.#checks.restarted(voter);
    if (this.#isolated?.node === voter.self.nodeId) this.#isolated = null;
  }

  /** A node with a known id and another directory says what would matter most: that everybody may follow it. It counts for nothing. */
  #stranger(voter: SimulatedVoter): void {
    const { raft } = voter;
    const before = `${raft.role} ${raft.term} ${raft.commitIndex} ${raft.lastIndex}`;
    const from = { nodeId: this.#other(voter), directoryId: "replaced" };
    const round = Number.MAX_SAFE_INTEGER;
    this.#do(voter, { kind: "message", from, message: { kind: "vote-reply", term: raft.term, preVote: false, granted: true } });
    this.#do(voter, {
      kind: "message",
      from,
      message: { kind: "vote-request", term: raft.term + 1, preVote: false, last: { index: 1e6, term: 1e6 } },
    });
    this.#do(voter, {
      kind: "message",
      from,
      message: { kind: "append-reply", term: raft.term, success: true, matchIndex: raft.lastIndex, round },
    });
    const after = `${raft.role} ${raft.term} ${raft.commitIndex} ${raft.lastIndex}`;
    if (after !== before)
      throw new Error(`Identity: node ${voter.self.nodeId} listened to a replaced directory: ${before} became ${after}`);
  }

  #isolate(voter: SimulatedVoter): void {
    this.#isolated = { node: voter.self.nodeId, term: voter.raft.term };
  }

  /** Persists may still finish while it is cut off; what they bring about has begun before. */
  #checkIsolated(): void {
    if (this.#isolated === null) return;
    const { term } = this.#voter(this.#isolated.node).raft;
    if (term !== this.#isolated.term)
      throw new Error(`PreVote: node ${this.#isolated.node} went from term ${this.#isolated.term} to ${term} while it was cut off`);
  }

  /** Saves what it has applied, and drops from the log what nobody needs from it any more. */
  #checkpoint(voter: SimulatedVoter): void {
    const { disk } = voter;
    disk.appliedIndex = Math.min(this.#checks.deliveredIndex(voter), disk.lastIndex);
    const everywhere = Math.min(
      ...[...this.#voters.values()].map((other) => Math.min(this.#checks.deliveredIndex(other), other.disk.lastIndex)),
    );
    const index = Math.min(disk.appliedIndex, everywhere);
    if (this.#random.oneIn(2) || index <= disk.firstIndex) return;
    voter.raft.trimmed(index);
    disk.trim(index);
  }

  #calm(): void {
    this.#isolated = null;
    for (let round = 0; round < 40 * this.#limits.electionTicks; round++) {
      for (const voter of this.#voters.values()) this.#do(voter, { kind: "tick" });
      this.#settle();
      const leader = [...this.#voters.values()]
        .filter(({ raft }) => raft.role === "leader")
        .toSorted((a, b) => b.raft.term - a.raft.term)[0];
      if (leader === undefined) continue;
      if (round % (4 * this.#limits.electionTicks) === 0) this.#propose(leader);
      const { lastIndex, term } = leader.raft;
      const agreed = [...this.#voters.values()].every(
        ({ raft }) => raft.commitIndex === lastIndex && raft.term === term && raft.durableIndex === lastIndex,
      );
      if (agreed) return;
    }
    const state = [...this.#voters.values()].map(
      ({ raft }) => `${raft.role} in term ${raft.term}, committed ${raft.commitIndex} of ${raft.lastIndex}`,
    );
    throw new Error(`Liveness: no agreement after the faults ended: ${state.join("; ")}`);
  }

  #settle(): void {
    for (let count = 0; count < 10_000; count++) {
      const letter = this.#letters.shift();
      if (letter !== undefined) this.#hand(letter);
      let busy = letter !== undefined;
      for (const voter of this.#voters.values()) {
        busy ||= voter.writing || voter.loads.length > 0;
        this.#sync(voter);
        this.#load(voter);
      }
      if (!busy) return;
    }
    throw new Error("Liveness: messages go back and forth without end");
  }

  #other(voter: SimulatedVoter): number {
    return this.#random.pick([...this.#voters.keys()].filter((id) => id !== voter.self.nodeId));
  }

  #voter(nodeId: number): SimulatedVoter {
    const voter = this.#voters.get(nodeId);
    if (voter === undefined) throw new Error(`no voter ${nodeId}`);
    return voter;
  }
}
