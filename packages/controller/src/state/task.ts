import type { ProtocolError } from "@ottla/protocol";
import type { Draft } from "./draft.ts";

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

const nothing = (): void => {};

/** A decision of the leader's own, for which nobody waits.
 * @param refused hears that it could not be appended */
export function ownTask(run: (draft: Draft) => void, refused: (error: ProtocolError) => void = nothing): Task {
  return {
    bytes: 0,
    deadlineMs: Infinity,
    startsEntry: false,
    decide(draft) {
      run(draft);
      return nothing;
    },
    expire: nothing,
    refuse: refused,
  };
}

/** Tasks in the order in which they are decided. */
export class TaskQueue {
  #tasks: Task[] = [];
  #bytes = 0;

  get length(): number {
    return this.#tasks.length;
  }

  /** @returns false when as much is waiting already as may wait */
  offer(task: Task): boolean {
    if (this.#tasks.length >= MAX_QUEUED_TASKS || this.#bytes + task.bytes > MAX_QUEUED_BYTES) return false;
    this.#tasks.push(task);
    this.#bytes += task.bytes;
    return true;
  }

  /** There is always room for the leader's own. */
  add(task: Task, place: "first" | "last"): void {
    if (place === "first") this.#tasks.unshift(task);
    else this.#tasks.push(task);
    this.#bytes += task.bytes;
  }

  peek(at: number): Task | undefined {
    return this.#tasks[at];
  }

  /** The first `count` are decided. */
  drop(count: number): void {
    for (const { bytes } of this.#tasks.splice(0, count)) this.#bytes -= bytes;
  }

  /** They are decided again, before all others. */
  putBack(tasks: readonly Task[]): void {
    this.#tasks.unshift(...tasks);
    for (const { bytes } of tasks) this.#bytes += bytes;
  }

  /** Ends those that waited too long for their turn. */
  expire(nowMs: number): void {
    if (!this.#tasks.some((task) => task.deadlineMs < nowMs)) return;
    const expired = this.#tasks.filter((task) => task.deadlineMs < nowMs);
    this.#tasks = this.#tasks.filter((task) => task.deadlineMs >= nowMs);
    for (const task of expired) {
      this.#bytes -= task.bytes;
      task.expire();
    }
  }

  clear(): void {
    this.#tasks = [];
    this.#bytes = 0;
  }
}
