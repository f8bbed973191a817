import { ClosedError } from "../errors.ts";
import type { ConsumerBatch, RunOptions } from "./api.ts";
import { Handout } from "./handout.ts";
import type { Intake } from "./intake.ts";

/** The ways to read, of which one is in use at a time. */
export class Reader<R> {
  readonly #intake: Intake;
  readonly #handout: Handout;
  readonly #closing: AbortSignal;
  #reading = false;

  /** `closing` aborts when the consumer closes. */
  constructor(intake: Intake, count: number, closing: AbortSignal) {
    this.#intake = intake;
    this.#handout = new Handout(intake, count);
    this.#closing = closing;
  }

  records(): AsyncIterator<R> {
    return this.#iterator(() => this.#handout.record());
  }

  batches(): AsyncIterator<ConsumerBatch<R>> {
    return this.#iterator(() => this.#handout.batch());
  }

  async run(options: RunOptions<R>): Promise<void> {
    const { signal } = options;
    const take = "eachRecord" in options ? () => this.#handout.record() : () => this.#handout.batch();
    const callback = this.#callback(options);
    this.#begin();
    const onAbort = (): void => this.#intake.nudge();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      while (signal?.aborted !== true && !this.#closing.aborted) {
        const next = take();
        if (next === undefined) {
          if (!(await this.#handout.fill(signal))) return;
          continue;
        }
        try {
          const pending = callback(next);
          if (pending instanceof Promise) await pending;
        } catch (error) {
          this.#handout.takeBack();
          throw error;
        }
        this.#handout.finish();
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#end();
    }
  }

  #iterator<T>(take: () => unknown): AsyncIterator<T> {
    this.#begin();
    let open = true;
    const end = (): IteratorResult<T> => {
      if (open) this.#end();
      open = false;
      return { done: true, value: undefined };
    };
    // What the codecs of `assign` make of a record is what R says.
    const found = (next: unknown): IteratorResult<T> => ({ done: false, value: next as T });
    const wait = async (): Promise<IteratorResult<T>> => {
      try {
        while (await this.#handout.fill()) {
          const next = take();
          if (next !== undefined) return found(next);
        }
        return end();
      } catch (error) {
        end();
        throw error;
      }
    };
    return {
      next: () => {
        this.#handout.finish();
        if (!open || this.#closing.aborted) return Promise.resolve(end());
        try {
          const next = take();
          return next === undefined ? wait() : Promise.resolve(found(next));
        } catch (error) {
          end();
          return Promise.reject(error);
        }
      },
      return: () => Promise.resolve(end()),
    };
  }

  #callback(options: RunOptions<R>): (next: unknown) => void | Promise<void> {
    if ("eachRecord" in options) return (next) => options.eachRecord(next as R);
    return (next) => options.eachBatch(next as ConsumerBatch<R>);
  }

  #begin(): void {
    if (this.#closing.aborted) throw new ClosedError("read", "this consumer");
    if (this.#reading) throw new ClosedError("read", "this consumer has a reader already, and a second one");
    this.#reading = true;
  }

  #end(): void {
    this.#handout.release();
    this.#reading = false;
  }
}
