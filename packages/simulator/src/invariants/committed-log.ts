import type { ReplicaLog, WrittenBatch } from "../disk/replica-log.ts";
import { Violation } from "./violation.ts";

interface CommittedBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly leaderEpoch: number;
  readonly crc: number;
}

/** What one partition has committed: the largest high watermark that any replica has acted on, and the batches below it. The test
 * keeps it, not the brokers. */
export class CommittedLog {
  readonly name: string;
  readonly batches: CommittedBatch[] = [];
  /** Exclusive (P2: never falls). */
  highWatermark = 0;
  /** The largest start that a replica has shown. */
  startOffset = 0;
  /** In which the history began that is kept here: with the election that last gave records up. */
  historyEpoch = -1;
  readonly #sequences = new Map<string, number>();
  /** By node: all below is known to be there as committed. */
  readonly #verified = new Map<number, number>();

  constructor(name: string) {
    this.name = name;
  }

  /** A replica acts on a higher watermark: what its files hold up to there is committed from now on. */
  raise(nodeId: number, log: ReplicaLog | undefined, highWatermark: number): void {
    if (highWatermark <= this.highWatermark) return;
    // A follower that was behind the start has dropped all it had.
    if (log?.batches.length === 0 && highWatermark <= this.startOffset) return;
    if (log === undefined || log.endOffset < highWatermark)
      throw new Violation(
        "P7",
        `the high watermark of ${this.name} is ${highWatermark} at node ${nodeId}, whose own log ends at ${log?.endOffset ?? 0}`,
      );
    for (let at = log.indexOf(Math.max(this.highWatermark, log.firstOffset)); at < log.batches.length; at += 1) {
      const batch = log.batches[at];
      if (batch === undefined || batch.baseOffset >= highWatermark) break;
      if (batch.baseOffset < this.highWatermark) continue;
      this.#commit(batch);
    }
    this.highWatermark = highWatermark;
  }

  /** The first batch of these that differs from what is committed at its offsets. */
  check(nodeId: number, log: ReplicaLog | undefined, upTo: number): string | null {
    const from = Math.max(this.#verified.get(nodeId) ?? 0, this.startOffset, log?.firstOffset ?? 0);
    if (from >= upTo) return null;
    if (log === undefined) return `node ${nodeId} has no log of ${this.name}`;
    if (log.endOffset < upTo) return `the log of ${this.name} at node ${nodeId} ends at ${log.endOffset}, committed is ${upTo}`;
    let at = log.indexOf(from);
    for (let mine = this.#indexOf(from); mine < this.batches.length; mine += 1, at += 1) {
      const committed = this.batches[mine];
      const held = log.batches[at];
      if (committed === undefined || committed.baseOffset >= upTo) break;
      if (held === undefined || !same(held, committed))
        return `${this.name} at node ${nodeId} has ${told(held)} where ${told(committed)} is committed`;
    }
    this.#verified.set(nodeId, upTo);
    return null;
  }

  /** The node's log changed at its end: what is above must be looked at again. */
  forget(nodeId: number, fromOffset: number): void {
    const verified = this.#verified.get(nodeId);
    if (verified !== undefined && verified > fromOffset) this.#verified.set(nodeId, fromOffset);
  }

  /** Whether the batch is committed as it is. */
  holds(batch: WrittenBatch): boolean {
    if (batch.baseOffset >= this.highWatermark) return false;
    const committed = this.batches[this.#indexOf(batch.baseOffset)];
    return committed !== undefined && same(batch, committed);
  }

  starts(offset: number): void {
    if (offset > this.startOffset) this.startOffset = offset;
  }

  /** A loss was recorded: history begins anew at the elected leader's end. */
  lose(endOffset: number, leaderEpoch: number): void {
    this.historyEpoch = leaderEpoch;
    this.highWatermark = endOffset;
    while ((this.batches.at(-1)?.baseOffset ?? -1) >= endOffset) this.batches.pop();
    this.#verified.clear();
    this.#sequences.clear();
  }

  #commit(batch: WrittenBatch): void {
    const { baseOffset, lastOffset, leaderEpoch, crc, producerId, producerEpoch, baseSequence, lastSequence } = batch;
    const last = this.batches.at(-1);
    if (last !== undefined && last.leaderEpoch > leaderEpoch)
      throw new Violation("P1", `${this.name} has an epoch ${leaderEpoch} at ${baseOffset} behind epoch ${last.leaderEpoch}`);
    if (last !== undefined && last.lastOffset + 1 !== baseOffset)
      throw new Violation("P5", `${this.name} goes on at ${baseOffset} behind ${last.lastOffset}`);
    this.batches.push({ baseOffset, lastOffset, leaderEpoch, crc });
    if (producerId < 0) return;
    const producer = `${producerId} ${producerEpoch}`;
    const next = this.#sequences.get(producer);
    if (next !== undefined && next !== baseSequence)
      throw new Violation(
        "P17",
        `${this.name}@${baseOffset}: producer ${producerId}, epoch ${producerEpoch} has sequence ${baseSequence}, ${next} comes next`,
      );
    this.#sequences.set(producer, lastSequence + 1);
  }

  #indexOf(offset: number): number {
    let low = 0;
    let high = this.batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.batches[middle]?.lastOffset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function same(one: CommittedBatch, other: CommittedBatch): boolean {
  return (
    one.baseOffset === other.baseOffset &&
    one.lastOffset === other.lastOffset &&
    one.crc === other.crc &&
    one.leaderEpoch === other.leaderEpoch
  );
}

function told(batch: CommittedBatch | undefined): string {
  if (batch === undefined) return "nothing";
  return `the batch ${batch.baseOffset} to ${batch.lastOffset} of epoch ${batch.leaderEpoch}, CRC ${batch.crc.toString(16)}`;
}
