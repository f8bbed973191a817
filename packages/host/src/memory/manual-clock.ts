import assert from "node:assert";
import type { Clock, Timer } from "../clock.ts";
import { realTurns } from "../node/real-turn.ts";

/** The first of January 2026, when virtual time begins. */
const BEGINNING_MS = 1_767_225_600_000;

/** Virtual time that several clocks share. */
export class Timeline {
  nowMs = 0;
  wallOffsetMs = BEGINNING_MS;
  #events: Event[] = [];
  #sequence = 0;
  #running = false;

  schedule(atMs: number, run: () => void): Event {
    const event: Event = { atMs, sequence: this.#sequence, run, cancelled: false };
    this.#sequence += 1;
    insert(this.#events, event);
    return event;
  }

  /** Runs events in order of due time, those of one moment in order of their making, until `done` says so or time would pass `untilMs`. */
  async play(untilMs: number, done: () => boolean): Promise<boolean> {
    assert(!this.#running, "virtual time is already being advanced; await that first");
    this.#running = true;
    try {
      return await realTurns(() => {
        if (done()) return true;
        const event = next(this.#events, untilMs);
        if (event === null) return false;
        this.nowMs = Math.max(this.nowMs, event.atMs);
        event.run();
        return undefined;
      });
    } finally {
      this.#running = false;
    }
  }

  get idle(): boolean {
    return this.#events.every((event) => event.cancelled);
  }
}

/** Time that passes only when a test says so, and in which events happen one after the other: all promises settle between two. */
export class ManualClock implements Clock {
  readonly #timeline: Timeline;
  #stopped = false;

  constructor(timeline: Timeline = new Timeline()) {
    this.#timeline = timeline;
  }

  get timeline(): Timeline {
    return this.#timeline;
  }

  monotonicMs(): number {
    return this.#timeline.nowMs;
  }

  wallMs(): number {
    return Math.floor(this.#timeline.nowMs + this.#timeline.wallOffsetMs);
  }

  after(delayMs: number, run: () => void): Timer {
    if (this.#stopped) return { cancel: () => {} };
    const event = this.#timeline.schedule(this.#timeline.nowMs + Math.max(0, delayMs), () => {
      if (!this.#stopped) run();
    });
    return {
      cancel() {
        event.cancelled = true;
      },
    };
  }

  soon(run: () => void): Timer {
    return this.after(0, run);
  }

  /** Runs what is due within the next `ms`, in order, and lets that much time pass. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#timeline.nowMs + ms;
    await this.#timeline.play(untilMs, () => false);
    this.#timeline.nowMs = untilMs;
  }

  /** @throws Error when `limitMs` of virtual time would pass before `predicate` holds, or nothing is left that could make it hold */
  async runUntil(predicate: () => boolean, limitMs = 600_000): Promise<void> {
    const startMs = this.#timeline.nowMs;
    if (await this.#timeline.play(startMs + limitMs, predicate)) return;
    const spent = this.#timeline.nowMs - startMs;
    throw new Error(
      this.#timeline.idle
        ? `nothing is left to run after ${spent} ms of virtual time, and it did not happen`
        : `it did not happen within ${limitMs} ms of virtual time`,
    );
  }

  /** Lets time pass until the promise settles, and settles like it. */
  async run<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await this.runUntil(() => settled, limitMs);
    return promise;
  }

  /** Moves the wall clock without any time passing. */
  shiftWall(ms: number): void {
    this.#timeline.wallOffsetMs += ms;
  }

  /** Nothing that was or will be set on this clock runs any more. */
  stop(): void {
    this.#stopped = true;
  }
}

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Kept sorted with the next event last: most timers are set for later than most others. */
function insert(events: Event[], event: Event): void {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = events[middle];
    if (other !== undefined && (other.atMs > event.atMs || (other.atMs === event.atMs && other.sequence > event.sequence)))
      low = middle + 1;
    else high = middle;
  }
  events.splice(low, 0, event);
}

function next(events: Event[], untilMs: number): Event | null {
  for (;;) {
    const event = events.at(-1);
    if (event === undefined || (event.atMs > untilMs && !event.cancelled)) return null;
    events.pop();
    if (!event.cancelled) return event;
  }
}
