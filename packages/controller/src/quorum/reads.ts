import type { NotLeaderError } from "./listener.ts";

interface Waiting {
  readonly resolve: (index: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Callers of `readIndex`. All that ask in one turn share a round. */
export class Reads {
  readonly #ask: (id: number) => void;
  readonly #notLeader: () => NotLeaderError;
  #nextId = 1;
  #gathering: Waiting[] = [];
  #closed = false;
  readonly #asked = new Map<number, Waiting[]>();

  constructor(ask: (id: number) => void, notLeader: () => NotLeaderError) {
    this.#ask = ask;
    this.#notLeader = notLeader;
  }

  wait(signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      const done = (): void => signal.removeEventListener("abort", onAbort);
      if (this.#gathering.length === 0) queueMicrotask(() => this.#begin());
      this.#gathering.push({
        resolve: (index) => {
          done();
          resolve(index);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
    });
  }

  answer(id: number, index: number | null): void {
    for (const waiting of this.#asked.get(id) ?? []) {
      if (index === null) waiting.reject(this.#notLeader());
      else waiting.resolve(index);
    }
    this.#asked.delete(id);
  }

  close(): void {
    this.#closed = true;
    for (const waiting of [this.#gathering, ...this.#asked.values()].flat()) waiting.reject(this.#notLeader());
    this.#gathering = [];
    this.#asked.clear();
  }

  #begin(): void {
    if (this.#closed) return;
    const id = this.#nextId++;
    this.#asked.set(id, this.#gathering);
    this.#gathering = [];
    this.#ask(id);
  }
}
