import type { Clock, Random, Timer } from "@ottla/host";
import { assert, ProtocolError, type pb } from "@ottla/protocol";
import { NotLeaderError, VoterChangeError, votersIn } from "../quorum/index.ts";
import type { Voters } from "../raft/index.ts";
import { Answers } from "./answers.ts";
import { Confirmations } from "./confirmations.ts";
import { Draft } from "./draft.ts";
import type { InFlight } from "./in-flight.ts";
import type { State } from "./state.ts";
import { ownTask, TaskQueue, type Task } from "./task.ts";

/** What a decision needs of the quorum. */
export interface Proposals {
  /** @param voters who votes from the entry on; null: as before */
  propose(data: Uint8Array, voters: Voters | null): number;
  /** Leadership is being handed over: nothing may be proposed until that ends. */
  readonly transferring: boolean;
  readIndex(signal: AbortSignal): Promise<number>;
}

/** Reached, an entry is closed. A single task may exceed it. */
const ENTRY_BYTES = 512 * 1024;
const MAX_IN_FLIGHT_BYTES = 16 * 1024 * 1024;
const MAX_IN_FLIGHT_ENTRIES = 1024;

interface Decided {
  readonly task: Task;
  readonly deliver: () => void;
}

/** Decides tasks in order, those of one turn in one entry, against the state as appended; answers when what was decided or seen is committed. */
export class Pump {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #state: State;
  readonly #inFlight: InFlight;
  readonly #quorum: Proposals;
  readonly #fail: (error: Error) => void;
  readonly #queue = new TaskQueue();
  readonly #answers = new Answers();
  readonly #confirmations: Confirmations;
  #scheduled: Timer | null = null;
  #leadership: AbortController | null = null;
  #committedIndex = 0;
  /** Of the last entry that was committed or appended. */
  #lastIndex = 0;
  /** Of the last entry with records that brokers follow; at a new leader, which has not looked, one that is certainly no earlier. */
  #lastClusterIndex = 0;

  constructor(clock: Clock, random: Random, state: State, inFlight: InFlight, quorum: Proposals, fail: (error: Error) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#state = state;
    this.#inFlight = inFlight;
    this.#quorum = quorum;
    this.#fail = fail;
    this.#confirmations = new Confirmations(quorum, fail);
  }

  get queued(): number {
    return this.#queue.length;
  }

  get leading(): boolean {
    return this.#leadership !== null;
  }

  /** @returns false when as much is waiting already as may wait */
  submit(task: Task): boolean {
    const taken = this.#queue.offer(task);
    if (taken) this.#schedule();
    return taken;
  }

  /** A decision of the leader's own: nobody waits for it, and the queue always has room for it.
   * @param refused hears that it could not be appended */
  decide(run: (draft: Draft) => void, o: { place?: "first"; refused?: (error: ProtocolError) => void } = {}): void {
    this.#queue.add(ownTask(run, o.refused), o.place ?? "last");
    this.#schedule();
  }

  /** Everything up to now is committed and replayed. */
  lead(): void {
    this.#leadership = new AbortController();
    this.#lastIndex = this.#committedIndex;
    this.#lastClusterIndex = this.#committedIndex;
    this.#schedule();
  }

  /** Whoever waits is not answered: what becomes of undone decisions is unknown here. */
  stop(): void {
    this.#leadership?.abort(new DOMException("Leadership of the controllers was lost", "AbortError"));
    this.#leadership = null;
    this.#scheduled?.cancel();
    this.#scheduled = null;
    this.#inFlight.undo();
    this.#queue.clear();
    this.#confirmations.drop();
    this.#answers.drop();
  }

  /** Everything up to `index` is committed and replayed. */
  committed(index: number): void {
    this.#committedIndex = index;
    this.#answers.deliver(index);
    this.#schedule();
  }

  /** Leadership was to be handed over and was not. */
  resume(): void {
    this.#confirmations.resume();
    this.#schedule();
  }

  /** Ends tasks that waited too long for their turn. */
  expire(nowMs: number): void {
    this.#queue.expire(nowMs);
  }

  #schedule(): void {
    if (this.#scheduled || !this.#leadership || this.#queue.length === 0 || this.#full()) return;
    this.#scheduled = this.#clock.soon(() => {
      this.#scheduled = null;
      try {
        this.#run();
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** Nothing may be decided now; what ends that also schedules. */
  #full(): boolean {
    return this.#quorum.transferring || this.#inFlight.bytes >= MAX_IN_FLIGHT_BYTES || this.#inFlight.count >= MAX_IN_FLIGHT_ENTRIES;
  }

  #run(): void {
    const leadership = this.#leadership;
    const reads: (() => void)[] = [];
    while (this.#queue.length > 0 && !this.#full() && this.#leadership) this.#decideEntry(reads);
    if (reads.length > 0 && leadership) {
      const waiting = this.#answers.read(this.#lastIndex, reads);
      this.#confirmations.ask(leadership.signal, () => {
        waiting.confirmed = true;
        this.#answers.deliver(this.#committedIndex);
      });
    }
    this.#schedule();
  }

  #decideEntry(reads: (() => void)[]): void {
    const draft = new Draft(this.#state, this.#random, this.#lastIndex + 1, this.#clock.wallMs(), this.#lastClusterIndex);
    const nowMs = this.#clock.monotonicMs();
    const writers: Decided[] = [];
    const readers: Decided[] = [];
    let count = 0;
    let voters: Voters | null = null;
    // Who votes changes with an entry that ends there: what may follow it is Raft's to say.
    for (; draft.bytes < ENTRY_BYTES && voters === null; count++) {
      const task = this.#queue.peek(count);
      if (!task || (task.startsEntry && draft.records.length > 0)) break;
      if (task.deadlineMs < nowMs) {
        task.expire();
        continue;
      }
      const before = draft.records.length;
      const deliver = task.decide(draft);
      (draft.records.length > before ? writers : readers).push({ task, deliver });
      voters = votersSetBy(draft.records.slice(before));
    }
    this.#queue.drop(count);
    const refused = draft.records.length > 0 ? this.#append(draft, voters) : null;
    if (refused) {
      for (const { task } of writers) task.refuse(refused);
      // They may have seen what is undone.
      return this.#queue.putBack(readers.map(({ task }) => task));
    }
    for (const { deliver } of writers) this.#answers.write(draft.index, deliver);
    for (const { deliver } of readers) reads.push(deliver);
  }

  /** @returns why it could not be, in which case the state is as before */
  #append(draft: Draft, voters: Voters | null): ProtocolError | null {
    const data = draft.encode();
    const { digestBefore, records, changes } = draft;
    try {
      const index = this.#quorum.propose(data, voters);
      assert(index === draft.index, `an entry decided for index ${draft.index} was appended at ${index}`);
    } catch (error) {
      // A full disk, or voters that cannot be changed now.
      const refused =
        error instanceof VoterChangeError ? new ProtocolError("VOTER_CHANGE_PENDING", `${error.message}; try again in a moment`) : error;
      if (refused instanceof ProtocolError) {
        this.#state.undo(changes);
        return refused;
      }
      // `stop` is about to be called, and undoes the entry.
      if (!(error instanceof NotLeaderError)) throw error;
      this.#leadership = null;
    }
    this.#lastIndex = draft.index;
    this.#lastClusterIndex = draft.clusterIndex;
    this.#inFlight.append({ index: draft.index, bytes: data.length, digestBefore, records, changes });
    return null;
  }
}

function votersSetBy(records: readonly pb.MetadataRecord[]): Voters | null {
  for (const { record } of records) if (record.case === "voters") return votersIn(record.value);
  return null;
}
