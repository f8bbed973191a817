import type { WrittenBatch } from "../disk/replica-log.ts";
import type { ReplicaInspection } from "./inspection.ts";
import type { Ledger } from "./ledger.ts";
import { Violation } from "./violation.ts";

/** How far apart keys of two epochs are. */
const EPOCH = 2 ** 32;

/** What is written into replicas' logs. P14: nothing by a leader whose time is over, so in one epoch an offset has one content, and in a
 * log epochs never fall (P1). P12: the replica knows in which epoch each batch was written. */
export class Appends {
  readonly #ledger: Ledger;
  /** By log: the CRC of what was written at an offset in an epoch. */
  readonly #contents = new Map<string, Map<number, number>>();
  readonly #led = new WeakMap<ReplicaInspection, number>();
  /** Not compared with what the replica knows yet. */
  #fresh: { readonly nodeId: number; readonly log: string; readonly batches: readonly WrittenBatch[] }[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** @throws Violation */
  wrote(nodeId: number, log: string, batches: readonly WrittenBatch[]): void {
    this.#fresh.push({ nodeId, log, batches });
    const contents = this.#contentsOf(log);
    const held = this.#ledger.observed.logOf(nodeId, log)?.batches ?? [];
    const before = held[held.length - batches.length - 1];
    let epoch = before?.leaderEpoch ?? -1;
    for (const { baseOffset, leaderEpoch, crc } of batches) {
      const name = `${this.#ledger.nameOf(log)}@${baseOffset}`;
      if (leaderEpoch < epoch) throw new Violation("P1", `node ${nodeId} wrote ${name} of epoch ${leaderEpoch} behind epoch ${epoch}`);
      epoch = leaderEpoch;
      const key = leaderEpoch * EPOCH + baseOffset;
      const known = contents.get(key);
      if (known === undefined) contents.set(key, crc);
      else if (known !== crc)
        throw new Violation(
          "P14",
          `node ${nodeId} wrote ${name} of epoch ${leaderEpoch} with CRC ${crc.toString(16)}; in that epoch it was ${known.toString(16)}`,
        );
    }
  }

  /** Batches are gone again, as after a write that failed: when no other replica has got them, their offsets are free. */
  cut(log: string, gone: readonly WrittenBatch[]): void {
    const { observed } = this.#ledger;
    for (const { baseOffset, leaderEpoch, crc } of gone) {
      const there = observed.nodes.some(({ nodeId }) => {
        const held = observed.logOf(nodeId, log);
        const batch = held?.batches[held.indexOf(baseOffset)];
        return batch?.baseOffset === baseOffset && batch.leaderEpoch === leaderEpoch && batch.crc === crc;
      });
      if (!there) this.#contents.get(log)?.delete(leaderEpoch * EPOCH + baseOffset);
    }
  }

  /** What was written since this was last called is known to the replicas that wrote it. @throws Violation */
  check(): void {
    if (this.#fresh.length === 0) return;
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const { nodeId, log, batches } of fresh) {
      const node = this.#ledger.node(nodeId);
      if (node?.running !== true) continue;
      for (const replica of node.replicas) if (replica.log === log) this.#compare(nodeId, replica, batches);
    }
  }

  #compare(nodeId: number, replica: ReplicaInspection, batches: readonly WrittenBatch[]): void {
    const held = this.#ledger.observed.logOf(nodeId, replica.log);
    for (const batch of batches) {
      // It may be gone again.
      if (batch.baseOffset < replica.startOffset || batch.baseOffset >= replica.endOffset) continue;
      if (held?.batches[held.indexOf(batch.baseOffset)] !== batch) continue;
      const known = replica.epochAt(batch.baseOffset);
      if (known !== batch.leaderEpoch)
        throw new Violation(
          "P12",
          `node ${nodeId} takes ${this.#ledger.nameOf(replica.log)}@${batch.baseOffset} for one of epoch ${known ?? "none"}, it is of ${batch.leaderEpoch}`,
        );
    }
  }

  /** Once for each epoch of each replica. P12: a leader knows where its own epoch begins, which is where the log ended when it began to lead. @throws Violation */
  leads(nodeId: number, replica: ReplicaInspection): void {
    if (this.#led.get(replica) === replica.leaderEpoch) return;
    this.#led.set(replica, replica.leaderEpoch);
    const start = replica.epochStart(replica.leaderEpoch);
    const first = this.#ledger.observed.logOf(nodeId, replica.log)?.batches.findLast((batch) => batch.leaderEpoch < replica.leaderEpoch);
    const least = first === undefined ? 0 : first.lastOffset + 1;
    if (start === null || start < Math.min(least, replica.endOffset))
      throw new Violation(
        "P12",
        `node ${nodeId} leads ${this.#ledger.nameOf(replica.log)} in epoch ${replica.leaderEpoch}, which to it began at ${start ?? "no offset"}; that before ended at ${least}`,
      );
  }

  #contentsOf(log: string): Map<number, number> {
    const known = this.#contents.get(log);
    if (known !== undefined) return known;
    const made = new Map<number, number>();
    this.#contents.set(log, made);
    return made;
  }
}
