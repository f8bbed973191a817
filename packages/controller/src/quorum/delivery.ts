import { assert, type Entry, type Raft } from "../raft/index.ts";
import type { EntryLog } from "./entry-log.ts";
import type { QuorumListener } from "./listener.ts";

const READ_BYTES = 1 << 20;

type Event =
  | { readonly kind: "lost"; readonly term: number }
  | { readonly kind: "committed"; readonly from: number; readonly to: number }
  | { readonly kind: "leading"; readonly term: number };

/** Brings to the listener, in order, what the core committed and decided about leadership. What has left memory is read from the log first. */
export class Delivery {
  readonly #raft: Raft;
  readonly #log: EntryLog;
  readonly #listener: QuorumListener;
  readonly #onFatal: (error: Error) => void;
  #events: Event[] = [];
  #running: Promise<void> | null = null;
  #busy = false;
  #stopped = false;
  #deliveredIndex: number;
  #leadingTerm: number | null = null;

  constructor(raft: Raft, log: EntryLog, listener: QuorumListener, onFatal: (error: Error) => void) {
    this.#raft = raft;
    this.#log = log;
    this.#listener = listener;
    this.#onFatal = onFatal;
    this.#deliveredIndex = raft.commitIndex;
  }

  get deliveredIndex(): number {
    return this.#deliveredIndex;
  }

  /** The term in which the listener knows that it leads. */
  get leadingTerm(): number | null {
    return this.#leadingTerm;
  }

  push(event: Event): void {
    const last = this.#events.at(-1);
    if (event.kind === "committed" && last?.kind === "committed" && !(this.#busy && this.#events.length === 1)) {
      this.#events[this.#events.length - 1] = { kind: "committed", from: last.from, to: event.to };
    } else this.#events.push(event);
    this.#run();
  }

  /** Nothing is delivered after it resolves. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  #run(): void {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let event = this.#events[0]; event !== undefined && !this.#stopped; event = this.#events[0]) {
        if (event.kind === "committed" && !this.#deliverFromMemory(event.to)) {
          this.#running = this.#deliverFromLog(event.to);
          return;
        }
        if (event.kind !== "committed") this.#announce(event);
        this.#events.shift();
      }
      this.#busy = false;
    } catch (error) {
      this.#fail(error);
    }
  }

  #announce(event: { readonly kind: "lost" | "leading"; readonly term: number }): void {
    this.#leadingTerm = event.kind === "leading" ? event.term : null;
    if (event.kind === "leading") this.#listener.leading(event.term);
    else this.#listener.lost(event.term);
  }

  #deliverFromMemory(to: number): boolean {
    const entries = this.#raft.entries(this.#deliveredIndex + 1, to + 1, Number.MAX_SAFE_INTEGER);
    if (entries !== null) this.#hand(entries);
    return entries !== null;
  }

  async #deliverFromLog(to: number): Promise<void> {
    try {
      while (this.#deliveredIndex < to && !this.#stopped && !this.#deliverFromMemory(to)) {
        this.#hand(await this.#log.read(this.#deliveredIndex + 1, to + 1, READ_BYTES));
      }
      this.#events.shift();
      this.#busy = false;
    } catch (error) {
      return this.#fail(error);
    } finally {
      this.#running = null;
    }
    this.#run();
  }

  #hand(entries: readonly Entry[]): void {
    if (this.#stopped) return;
    const last = entries.at(-1);
    assert(last !== undefined, () => `no committed entry after ${this.#deliveredIndex}`);
    this.#deliveredIndex = last.index;
    this.#listener.committed(entries);
  }

  /** Stays busy: nothing may be delivered after a gap. */
  #fail(error: unknown): void {
    this.#stopped = true;
    this.#onFatal(error instanceof Error ? error : new Error(String(error)));
  }
}
