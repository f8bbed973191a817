import { assert } from "./assert.ts";
import { leading, speak, type Core } from "./core.ts";
import { entryBytes } from "./entries.ts";
import { probe, sent, type Progress } from "./progress.ts";
import type { AppendRequest, Entry, LogPosition } from "./types.ts";

/** Sends what the follower lacks, as far as its window allows. */
export function replicate(core: Core, progress: Progress): void {
  const { entries, limits } = core;
  if (progress.state === "snapshot") return;
  // What it seems to lack was trimmed; but it may hold it by now: its answer will tell.
  if (progress.nextIndex < entries.lowestNext) probe(progress, entries.lowestNext);
  while (progress.state === "replicate" ? progress.inFlightBytes < limits.maxInFlightBytes : !progress.probeSent) {
    if (progress.loading || (progress.state === "replicate" && progress.nextIndex > entries.lastIndex)) return;
    const previous = before(core, progress.nextIndex);
    const news = entries.slice(progress.nextIndex, entries.lastIndex + 1, limits.maxMessageBytes);
    if (news === null) {
      progress.loading = true;
      const until = Math.min(entries.tailFrom, entries.lastIndex + 1);
      return core.outbox.load({ peer: progress.peer.nodeId, from: progress.nextIndex, until, maxBytes: limits.maxMessageBytes });
    }
    transmit(core, progress, previous, news);
  }
}

/** Without entries it cannot be refused: it names what the follower is known to hold. */
export function heartbeat(core: Core, progress: Progress): void {
  if (progress.state === "probe") {
    progress.probeSent = false;
    replicate(core, progress);
    if (progress.probeSent) return;
  }
  send(core, progress, positionAt(core, progress.matchIndex) ?? { index: 0, term: 0 }, []);
}

/** A follower that holds committed entries and cannot know it yet learns it now. */
export function tellCommit(core: Core, progress: Progress): void {
  if (progress.state === "replicate" && Math.min(core.commitIndex, progress.matchIndex) > progress.commitSent) heartbeat(core, progress);
}

export function transmit(core: Core, progress: Progress, previous: LogPosition, news: readonly Entry[]): void {
  send(core, progress, previous, news);
  if (progress.state === "probe") progress.probeSent = true;
  else
    sent(
      progress,
      previous.index + news.length,
      news.reduce((sum, entry) => sum + entryBytes(entry), 0),
    );
}

function send(core: Core, progress: Progress, previous: LogPosition, entries: readonly Entry[]): void {
  const { commitIndex, term } = core;
  const message: AppendRequest = { kind: "append-request", term, previous, commitIndex, round: leading(core).round, entries };
  progress.commitSent = Math.max(progress.commitSent, Math.min(commitIndex, previous.index + entries.length));
  speak(core, progress.peer, message);
}

/** What precedes the entry at `index`, which can be sent. */
export function before(core: Core, index: number): LogPosition {
  const previous = positionAt(core, index - 1);
  assert(previous !== null, () => `entry ${index} is to be sent, the lowest that can be is ${core.entries.lowestNext}`);
  return previous;
}

function positionAt(core: Core, index: number): LogPosition | null {
  const term = core.entries.termAt(index);
  return term === null ? null : { index, term };
}
