import type { Effects, Entry, Envelope, Input } from "../types.ts";
import type { SimulatedVoter } from "./voter.ts";

function require(holds: boolean, rule: string, text: string): asserts holds {
  if (!holds) throw new Error(`${rule}: ${text}`);
}

/** What a voter was before a step; taken by `before`, compared by `after`. */
export interface Before {
  readonly role: string;
  readonly term: number;
  readonly commitIndex: number;
  readonly votedFor: number | null;
}

/** Knows the whole history and compares every step of every voter with it. Names of the rules: ElectionSafety to StateMachineSafety are Raft figure 3. */
export class Checks {
  readonly #voters: ReadonlyMap<number, SimulatedVoter>;
  readonly #electionTicks: number;
  readonly #leaderOf = new Map<number, number>();
  /** (index, term) -> hash of the log up to it. */
  readonly #prefixes = new Map<string, number>();
  /** Hash of each voter's log up to each index, as handed to its disk. */
  readonly #hashes = new Map<number, number[]>();
  /** Committed anywhere: position 0 is entry 1. */
  readonly #committed: { readonly term: number; readonly hash: number; readonly inTerm: number }[] = [];
  /** `node/term` -> candidate. */
  readonly #votes = new Map<string, number>();
  readonly #sentTerm = new Map<number, number>();
  readonly #delivered = new Map<number, number>();
  /** Own ticks of a leader at which it last heard from each other voter in this term. */
  readonly #heard = new Map<number, { term: number; at: Map<number, number> }>();
  readonly #reads = new Map<number, number>();

  constructor(voters: ReadonlyMap<number, SimulatedVoter>, electionTicks: number) {
    this.#voters = voters;
    this.#electionTicks = electionTicks;
    for (const nodeId of voters.keys()) {
      this.#hashes.set(nodeId, [0]);
      this.#delivered.set(nodeId, 0);
    }
  }

  get committedIndex(): number {
    return this.#committed.length;
  }

  deliveredIndex(voter: SimulatedVoter): number {
    return this.#delivered.get(voter.self.nodeId) ?? Number.NaN;
  }

  before(voter: SimulatedVoter): Before {
    const { role, term, commitIndex, votedFor } = voter.raft;
    return { role, term, commitIndex, votedFor: votedFor?.nodeId ?? null };
  }

  readBegins(id: number): void {
    this.#reads.set(id, this.committedIndex);
  }

  after(voter: SimulatedVoter, before: Before, input: Input, effects: Effects, messages: readonly Envelope[]): void {
    const node = voter.self.nodeId;
    this.#log(voter, before, effects);
    this.#election(voter, before, input);
    this.#commit(voter, before, effects);
    this.#stepDown(voter, input);
    for (const { to, message } of messages) this.#sent(voter, to, message);
    for (const { id, index } of effects.reads) {
      if (index === null) continue;
      const atLeast = this.#reads.get(id) ?? Number.NaN;
      require(index >=
        atLeast, "LinearizableRead", `node ${node} answers read ${id} at ${index}; ${atLeast} was committed when it was asked`);
    }
  }

  restarted(voter: SimulatedVoter): void {
    const node = voter.self.nodeId;
    const sent = this.#sentTerm.get(node) ?? 0;
    const { term, commitIndex, lastIndex } = voter.raft;
    require(term >= sent, "PersistBeforeReply", `node ${node} restarts in term ${term} after it spoke in term ${sent}`);
    require(commitIndex <= lastIndex, "ApplyOrder", `node ${node} restarts with a log to ${lastIndex}, applied to ${commitIndex}`);
    const hashes = [0];
    for (let index = 1; index <= lastIndex; index++) {
      const entry = voter.disk.at(index);
      // Trimmed entries were committed: the history knows them.
      const hash = entry === undefined ? this.#committed[index - 1]?.hash : chain(hashes[index - 1], entry);
      require(hash !== undefined, "NoHoleNoGhost", `node ${node} restarts without entry ${index}, which was not committed`);
      hashes.push(hash);
    }
    this.#hashes.set(node, hashes);
    this.#delivered.set(node, commitIndex);
    this.#heard.delete(node);
  }

  #log(voter: SimulatedVoter, before: Before, { persist }: Effects): void {
    if (persist === null) return;
    const node = voter.self.nodeId;
    const hashes = this.#of(node);
    if (persist.truncateFrom !== null) {
      require(before.role !== "leader" ||
        voter.raft.role !== "leader", "LeaderAppendOnly", `node ${node} cuts its log at ${persist.truncateFrom} as a leader`);
      require(persist.truncateFrom >
        before.commitIndex, "NoHoleNoGhost", `node ${node} cuts at ${persist.truncateFrom}, committed to ${before.commitIndex}`);
      hashes.length = persist.truncateFrom;
    }
    for (const entry of persist.entries) {
      require(entry.index === hashes.length, "LogMatching", `node ${node} writes entry ${entry.index} after ${hashes.length - 1}`);
      const hash = chain(hashes.at(-1), entry);
      const key = `${entry.index}/${entry.term}`;
      const known = this.#prefixes.get(key) ?? hash;
      require(known === hash, "LogMatching", `node ${node} has another log up to entry ${key} than somebody before`);
      this.#prefixes.set(key, hash);
      hashes.push(hash);
    }
  }

  #election(voter: SimulatedVoter, before: Before, input: Input): void {
    const { role, term, votedFor, commitIndex, lastIndex } = voter.raft;
    const node = voter.self.nodeId;
    require(term >= before.term, "PersistBeforeReply", `node ${node} goes from term ${before.term} back to ${term}`);
    require(term > before.term ||
      before.votedFor === null ||
      votedFor?.nodeId === before.votedFor, "VoteOnce", `node ${node} changes its vote in term ${term}`);
    if (votedFor !== null && votedFor.nodeId !== node && (term > before.term || before.votedFor === null)) {
      const last = input.kind === "message" && input.message.kind === "vote-request" ? input.message.last : null;
      require(last !== null, "VoteOnce", `node ${node} votes for ${votedFor.nodeId} without being asked`);
      const own = { index: lastIndex, term: lastTerm(voter) };
      require(last.term > own.term ||
        (last.term === own.term &&
          last.index >=
            own.index), "UpToDateVote", `node ${node} at ${own.index}/${own.term} votes for ${votedFor.nodeId} at ${last.index}/${last.term}`);
    }
    if (role !== "leader") return;
    const known = this.#leaderOf.get(term) ?? node;
    require(known === node, "ElectionSafety", `nodes ${known} and ${node} both lead term ${term}`);
    if (this.#leaderOf.has(term)) return;
    this.#leaderOf.set(term, node);
    const hashes = this.#of(node);
    for (const [i, entry] of this.#committed.entries()) {
      if (entry.inTerm >= term) break;
      require(hashes[i + 1] === entry.hash, "LeaderCompleteness", `node ${node} leads term ${term} without committed entry ${i + 1}`);
    }
    require(commitIndex <= lastIndex, "ApplyOrder", `node ${node} committed ${commitIndex} of ${lastIndex}`);
  }

  #commit(voter: SimulatedVoter, before: Before, { committed }: Effects): void {
    const { role, term, commitIndex, lastIndex } = voter.raft;
    const node = voter.self.nodeId;
    require(commitIndex >= before.commitIndex &&
      commitIndex <= lastIndex, "ApplyOrder", `node ${node} commits ${commitIndex} after ${before.commitIndex}, log to ${lastIndex}`);
    const hashes = this.#of(node);
    if (role === "leader" && commitIndex > before.commitIndex) {
      require(this.#termAt(voter, commitIndex) ===
        term, "OwnTermCommit", `node ${node} commits ${commitIndex} of term ${this.#termAt(voter, commitIndex)} in term ${term}`);
      this.#durableOnMajority(node, commitIndex, hashes[commitIndex]);
    }
    for (let index = before.commitIndex + 1; index <= commitIndex; index++) {
      const hash = hashes[index];
      require(hash !== undefined, "ApplyOrder", `node ${node} commits ${index}, which it does not hold`);
      const known = this.#committed[index - 1];
      require(known === undefined ||
        known.hash === hash, "StateMachineSafety", `node ${node} commits another entry ${index} than somebody before`);
      if (known === undefined) this.#committed.push({ term: this.#termAt(voter, index), hash, inTerm: term });
    }
    if (committed === null) return;
    const delivered = this.#delivered.get(node) ?? Number.NaN;
    require(committed.from === delivered + 1 &&
      committed.to >= committed.from &&
      committed.to <=
        commitIndex, "ApplyOrder", `node ${node} hands out ${committed.from}..${committed.to} after ${delivered}, committed to ${commitIndex}`);
    this.#delivered.set(node, committed.to);
  }

  #durableOnMajority(node: number, index: number, hash: number | undefined): void {
    let holders = 0;
    for (const { disk } of this.#voters.values()) {
      const entry = disk.at(index);
      if (entry !== undefined && this.#prefixes.get(`${index}/${entry.term}`) === hash) holders++;
    }
    require(holders * 2 >
      this.#voters.size, "CommitDurable", `node ${node} commits ${index}, which ${holders} of ${this.#voters.size} have on disk`);
  }

  #sent(voter: SimulatedVoter, to: number, message: Envelope["message"]): void {
    const node = voter.self.nodeId;
    const { disk } = voter;
    const foreignTerm =
      message.kind === "vote-request" ? message.preVote : message.kind === "vote-reply" && message.preVote && message.granted;
    if (!foreignTerm) this.#sentTerm.set(node, Math.max(this.#sentTerm.get(node) ?? 0, message.term));
    if ((message.kind === "vote-reply" && message.granted && !message.preVote) || (message.kind === "vote-request" && !message.preVote)) {
      const candidate = message.kind === "vote-request" ? node : to;
      const key = `${node}/${message.term}`;
      const known = this.#votes.get(key) ?? candidate;
      require(known === candidate, "VoteOnce", `node ${node} votes for ${known} and ${candidate} in term ${message.term}`);
      this.#votes.set(key, candidate);
      require(disk.term > message.term ||
        (disk.term === message.term &&
          disk.votedFor?.nodeId ===
            candidate), "VoteOnce", `node ${node} tells its vote for ${candidate} in term ${message.term}; on its disk is term ${disk.term}, vote ${disk.votedFor?.nodeId}`);
    }
    if (message.kind === "append-reply" && message.success) {
      require(disk.lastIndex >=
        message.matchIndex, "PersistBeforeReply", `node ${node} acknowledges ${message.matchIndex}, on its disk is ${disk.lastIndex}`);
      const entry = disk.at(message.matchIndex);
      // An acknowledgement of an earlier term may leave when the entry is already being replaced: as if it had been under way for longer.
      const replaced = message.term < voter.raft.term;
      require(replaced ||
        entry === undefined ||
        this.#prefixes.get(`${entry.index}/${entry.term}`) ===
          this.#of(node)[
            entry.index
          ], "PersistBeforeReply", `node ${node} acknowledges ${message.matchIndex}, on its disk is another entry there`);
      require(disk.term >=
        message.term, "PersistBeforeReply", `node ${node} acknowledges in term ${message.term}, on its disk is ${disk.term}`);
    }
  }

  #stepDown(voter: SimulatedVoter, input: Input): void {
    const { role, term } = voter.raft;
    const node = voter.self.nodeId;
    if (role !== "leader") return;
    let heard = this.#heard.get(node);
    if (heard === undefined || heard.term !== term) {
      heard = { term, at: new Map([...this.#voters.keys()].map((id) => [id, voter.ticks])) };
      this.#heard.set(node, heard);
    }
    heard.at.set(node, voter.ticks);
    if (input.kind === "message" && input.message.term === term) heard.at.set(input.from.nodeId, voter.ticks);
    const recent = [...heard.at.values()].filter((tick) => voter.ticks - tick <= 1.5 * this.#electionTicks).length;
    require(recent * 2 >
      this.#voters.size, "StepDown", `node ${node} leads term ${term} having heard from ${recent} of ${this.#voters.size}`);
  }

  #termAt(voter: SimulatedVoter, index: number): number {
    const entry = voter.disk.read(index, index + 1, 1)[0];
    return entry?.term ?? this.#committed[index - 1]?.term ?? Number.NaN;
  }

  #of(node: number): number[] {
    const hashes = this.#hashes.get(node);
    if (hashes === undefined) throw new Error(`no voter ${node}`);
    return hashes;
  }
}

function lastTerm(voter: SimulatedVoter): number {
  const { lastIndex } = voter.raft;
  return lastIndex === 0 ? 0 : (voter.disk.read(lastIndex, lastIndex + 1, 1)[0]?.term ?? Number.NaN);
}

function chain(before: number | undefined, entry: Entry): number {
  let hash = Math.imul((before ?? Number.NaN) ^ entry.index, 0x9e3779b1) ^ Math.imul(entry.term, 0x85ebca6b);
  for (const byte of entry.data) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
