import type { Clock } from "@ottla/host";
import type { Commit, Event, Read, Send } from "./history.ts";

type Settle<T extends { outcome: string }> = (outcome: T["outcome"], offset: number) => void;
type Open<T> = { -readonly [K in keyof T]: T[K] };

/** Writes down what programs ask of a cluster and hear from it. */
export class Recorder {
  readonly events: Event[] = [];
  readonly #clock: Clock;
  readonly #partitions = new Map<string, number>();
  readonly #names: string[] = [];
  #lastMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The checker knows partitions by one number. */
  partition(topic: string, partition: number): number {
    return this.numberOf(`${topic}-${partition}`);
  }

  numberOf(name: string): number {
    const known = this.#partitions.get(name);
    if (known !== undefined) return known;
    this.#partitions.set(name, this.#names.length);
    this.#names.push(name);
    return this.#names.length - 1;
  }

  nameOf(partition: number): string {
    return this.#names[partition] ?? `partition ${partition}`;
  }

  send(
    producer: string,
    sequence: number,
    partition: number,
    value: string,
  ): (outcome: Send["outcome"], offset: number, leaderEpoch?: number) => void {
    const send: Open<Send> = {
      kind: "send",
      producer,
      sequence,
      partition,
      value,
      invokedMs: this.now(),
      completedMs: Number.POSITIVE_INFINITY,
      outcome: "unknown",
      offset: -1,
    };
    this.events.push(send);
    return (outcome, offset, leaderEpoch) => Object.assign(send, { outcome, offset, leaderEpoch, completedMs: this.now() });
  }

  commit(kind: Commit["kind"], group: string, partition: number, offset: number): Settle<Commit> {
    const commit: Open<Commit> = {
      kind,
      group,
      partition,
      offset,
      invokedMs: this.now(),
      completedMs: Number.POSITIVE_INFINITY,
      outcome: "unknown",
    };
    this.events.push(commit);
    return (outcome, offset) => Object.assign(commit, { outcome, offset, completedMs: this.now() });
  }

  read(read: Omit<Read, "kind">): void {
    this.events.push({ kind: "read", ...read });
  }

  latest(partition: number, invokedMs: number, { offset, leaderEpoch }: { offset: number; leaderEpoch: number }): void {
    this.events.push({ kind: "latest", partition, offset, leaderEpoch, invokedMs, completedMs: this.now() });
  }

  changed(key: string, value: string, index: number, invokedMs: number): void {
    this.events.push({ kind: "changed", key, value, index, invokedMs, completedMs: this.now() });
  }

  /** Later than every moment before: two things never happen at once. */
  now(): number {
    this.#lastMs = Math.max(this.#clock.monotonicMs(), this.#lastMs + 1e-6);
    return this.#lastMs;
  }
}
