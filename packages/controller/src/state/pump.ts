import type { Clock, Random, Timer } from "@ottla/host";
import { assert, ProtocolError } from "@ottla/protocol";
import { NotLeaderError } from "../quorum/index.ts";
import { Answers } from "./answers.ts";
import { Draft } from "./draft.ts";
import type { InFlight } from "./in-flight.ts";
import type { State } from "./state.ts";

/** What a decision needs of the quorum. */
export interface Proposals {
  propose(data: Uint8Array): number;
  readIndex(signal: AbortSignal): Promise<number>;
}

/** Something to decide. */
export interface Task {
  readonly bytes: number;
  /** Monotonic; undecided after it the task expires. */
  readonly deadlineMs: number;
  /** Its records must be the first of their entry. */
  readonly startsEntry: boolean;
  /** Writes what is decided; the returned function runs once that, and everything the decision has seen, is committed. */
  decide(draft: Draft): () => void;
  expire(): void;
  /** What it wrote could not be appended and is undone. */
  refuse(error: ProtocolError): void;
}

const MAX_QUEUED_TASKS = 20_000;
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
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
  #queue: Task[] = [];
  #queuedBytes = 0;
  readonly #answers = new Answers();
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
  }

  get queued(): number {
    return this.#queue.length;
  }

  get leading(): boolean {
    return this.#leadership !== null;
  }

  /** @returns false when as much is waiting already as may wait */
  submit(task: Task): boolean {
    if (this.#queue.length >= MAX_QUEUED_TASKS || this.#queuedBytes + task.bytes > MAX_QUEUED_BYTES) return false;
    this.#queue.push(task);
    this.#queuedBytes += task.bytes;
    this.#schedule();
    return true;
  }

  /** A decision of the leader's own: nobody waits for it, and the queue always has room for it.
   * @param refused hears that it could not be appended */
  decide(run: (draft: Draft) => void, o: { place?: "first"; refused?: (error: ProtocolError) => void } = {}): void {
    const nothing = (): void => {};
    const task: Task = {
      bytes: 0,
      deadlineMs: Infinity,
      startsEntry: false,
      decide(draft) {
        run(draft);
        return nothing;
      },
      expire: nothing,
      refuse: o.refused ?? nothing,
    };
    if (o.place === "first") this.#queue.unshift(task);
    else this.#queue.push(task);
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
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#answers.drop();
  }

  /** Everything up to `index` is committed and replayed. */
  committed(index: number): void {
    this.#committedIndex = index;
    this.#answers.deliver(index);
    this.#schedule();
  }

  /** Ends tasks that waited too long for their turn. */
  expire(nowMs: number): void {
    if (!this.#queue.some((task) => task.deadlineMs < nowMs)) return;
    const expired = this.#queue.filter((task) => task.deadlineMs < nowMs);
    this.#queue = this.#queue.filter((task) => task.deadlineMs >= nowMs);
    for (const task of expired) {
      this.#queuedBytes -= task.bytes;
      task.expire();
    }
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

  #full(): boolean {
    return this.#inFlight.bytes >= MAX_IN_FLIGHT_BYTES || this.#inFlight.count >= MAX_IN_FLIGHT_ENTRIES;
  }

  #run(): void {
    const leadership = this.#leadership;
    const reads: (() => void)[] = [];
    const queue = this.#queue;
    let at = 0;
    while (at < queue.length && !this.#full() && this.#leadership) at = this.#decideEntry(queue, at, reads);
    this.#queue = queue.slice(at);
    if (reads.length > 0 && leadership) this.#confirm(reads, leadership.signal);
    this.#schedule();
  }

  /** @returns how far in the queue it came */
  #decideEntry(queue: Task[], from: number, reads: (() => void)[]): number {
    const draft = new Draft(this.#state, this.#random, this.#lastIndex + 1, this.#clock.wallMs(), this.#lastClusterIndex);
    const nowMs = this.#clock.monotonicMs();
    const writers: Decided[] = [];
    const readers: Decided[] = [];
    let at = from;
    for (; draft.bytes < ENTRY_BYTES; at++) {
      const task = queue[at];
      if (!task || (task.startsEntry && draft.records.length > 0)) break;
      this.#queuedBytes -= task.bytes;
      if (task.deadlineMs < nowMs) {
        task.expire();
        continue;
      }
      const before = draft.records.length;
      const deliver = task.decide(draft);
      (draft.records.length > before ? writers : readers).push({ task, deliver });
    }
    const refused = draft.records.length > 0 ? this.#append(draft) : null;
    if (refused) {
      for (const { task } of writers) task.refuse(refused);
      // They may have seen what is undone.
      for (const { task } of readers) this.#queuedBytes += task.bytes;
      queue.splice(at, 0, ...readers.map(({ task }) => task));
      return at;
    }
    for (const { deliver } of writers) this.#answers.write(draft.index, deliver);
    for (const { deliver } of readers) reads.push(deliver);
    return at;
  }

  /** @returns why it could not be, in which case the state is as before */
  #append(draft: Draft): ProtocolError | null {
    const data = draft.encode();
    const { digestBefore, records, changes } = draft;
    try {
      const index = this.#quorum.propose(data);
      assert(index === draft.index, `an entry decided for index ${draft.index} was appended at ${index}`);
    } catch (error) {
      // A full disk.
      if (error instanceof ProtocolError) {
        this.#state.undo(changes);
        return error;
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

  #confirm(deliver: (() => void)[], signal: AbortSignal): void {
    const reads = this.#answers.read(this.#lastIndex, deliver);
    this.#quorum.readIndex(signal).then(
      () => {
        reads.confirmed = true;
        this.#answers.deliver(this.#committedIndex);
      },
      (error: unknown) => {
        // Lost leadership ends a round, and `stop` drops the reads.
        if (!(error instanceof NotLeaderError) && !signal.aborted)
          this.#fail(new Error("A read of the controllers' state could not be confirmed", { cause: error }));
      },
    );
  }
}
