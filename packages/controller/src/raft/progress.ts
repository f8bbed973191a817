import type { Voter } from "./types.ts";

/** What a leader knows of one other voter or learner. */
export interface Progress {
  readonly peer: Voter;
  /** The follower holds the leader's log up to here on its disk. Never falls. */
  matchIndex: number;
  /** The next entry to send; above matchIndex. */
  nextIndex: number;
  /** `probe`: where the logs agree is being looked for, one append at a time. `replicate`: appends follow each other without waiting.
   * `snapshot`: it needs what was trimmed, and gets no entries until it has that. */
  state: "probe" | "replicate" | "snapshot";
  /** Only when probing: the append is on its way; the next heartbeat repeats it. */
  probeSent: boolean;
  /** Refusals since the last success. */
  refusals: number;
  /** The caller is reading entries for it; nothing with entries is sent meanwhile. */
  loading: boolean;
  /** Only when replicating: appends not yet acknowledged, by their last index, rising. */
  readonly inFlight: { readonly lastIndex: number; readonly bytes: number }[];
  /** Sum of `inFlight`. */
  inFlightBytes: number;
  /** Ticks since any message of this term came from it. */
  silentTicks: number;
  /** Ticks since matchIndex rose while appends are in flight: on a working connection they answer sooner. */
  stalledTicks: number;
  /** Highest confirmation round it answered. */
  round: number;
  /** It seems to hold less than it acknowledged. An answer to this round or a later one is no late one: it tells. */
  doubt: { readonly round: number; readonly matchIndex: number } | null;
  /** Highest commit index it can have taken from what was sent. */
  commitSent: number;
}

export function newProgress(peer: Voter, nextIndex: number, silentTicks: number): Progress {
  return {
    peer,
    matchIndex: 0,
    nextIndex,
    state: "probe",
    probeSent: false,
    refusals: 0,
    loading: false,
    inFlight: [],
    inFlightBytes: 0,
    silentTicks,
    stalledTicks: 0,
    round: 0,
    doubt: null,
    commitSent: 0,
  };
}

/** The follower does not hold what precedes the appended entries and names the highest index that may match. Each further refusal steps back twice as
 * far, so that logs that went apart long ago are joined in few round trips; but not below the lowest that can be sent. */
export function refused(progress: Progress, matchIndex: number, lowestNext: number): void {
  const extra = 2 ** Math.min(progress.refusals, 30) - 1;
  progress.refusals++;
  probe(progress, Math.max(lowestNext, Math.min(matchIndex + 1, progress.nextIndex) - extra));
}

/** Nothing that can still be sent follows what it holds. */
export function awaitSnapshot(progress: Progress): void {
  probe(progress, progress.nextIndex);
  progress.state = "snapshot";
}

/** Starts looking for the place where the logs agree, from `nextIndex` downwards. What was in flight counts as lost. */
export function probe(progress: Progress, nextIndex: number): void {
  progress.state = "probe";
  progress.probeSent = false;
  progress.nextIndex = Math.max(nextIndex, progress.matchIndex + 1);
  progress.inFlight.length = 0;
  progress.inFlightBytes = 0;
  progress.stalledTicks = 0;
}

/** The follower holds everything up to `matchIndex`. */
export function matched(progress: Progress, matchIndex: number): void {
  progress.refusals = 0;
  if (matchIndex > progress.matchIndex) {
    progress.matchIndex = matchIndex;
    progress.stalledTicks = 0;
  }
  progress.nextIndex = Math.max(progress.nextIndex, progress.matchIndex + 1);
  let first = progress.inFlight[0];
  while (first !== undefined && first.lastIndex <= progress.matchIndex) {
    progress.inFlightBytes -= first.bytes;
    progress.inFlight.shift();
    first = progress.inFlight[0];
  }
}

export function sent(progress: Progress, lastIndex: number, bytes: number): void {
  progress.nextIndex = lastIndex + 1;
  progress.inFlight.push({ lastIndex, bytes });
  progress.inFlightBytes += bytes;
}
