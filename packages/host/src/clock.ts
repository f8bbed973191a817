/** A pending call of {@link Clock.after} or {@link Clock.soon}. */
export interface Timer {
  /** Idempotent; after it the callback does not run. */
  cancel(): void;
}

/** Time. Durations come from the monotonic side; the wall clock only stamps records and decides retention. */
export interface Clock {
  /** Milliseconds since an arbitrary point, fractional, never falling. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch, whole; may jump either way. */
  wallMs(): number;
  /** Runs `run` once, `delayMs` or more from now. */
  after(delayMs: number, run: () => void): Timer;
  /** Runs `run` once, after what this turn of the event loop has received: where a turn's work is gathered. */
  soon(run: () => void): Timer;
}
