import type { pb } from "@ottla/protocol";
import { told } from "./decisions.ts";
import type { Ledger } from "./ledger.ts";
import { Violation } from "./violation.ts";

/** Records that an election gave up, as it had to be recorded. */
export interface Loss {
  readonly log: string;
  /** How many events the programs had recorded. */
  readonly afterEvents: number;
  readonly fromOffset: number;
  readonly toOffset: number;
}

/** P21: who is elected, and when records may be lost by it. */
export class Elections {
  readonly losses: Loss[] = [];
  readonly #ledger: Ledger;
  readonly #eventCount: () => number;

  constructor(ledger: Ledger, eventCount: () => number) {
    this.#ledger = ledger;
    this.#eventCount = eventCount;
  }

  /** The record was given up in some election: what anybody was told about it before is no fault of this history. */
  lost(log: string, offset: number): boolean {
    return this.losses.some((loss) => loss.log === log && offset >= loss.fromOffset && offset < loss.toOffset);
  }

  /** @throws Violation */
  decided(log: string, record: pb.PartitionRecord, former: pb.PartitionRecord | null, recordedLoss: boolean): void {
    const ledger = this.#ledger;
    ledger.changed.add(log);
    if (former === null || record.leader < 0 || record.leaderEpoch === former.leaderEpoch) return;
    const eligible = former.leader < 0 ? [...former.isr, ...former.elr, ...former.lastEligible] : [...former.isr, ...former.elr];
    if (recordedLoss) this.#recorded(log, record, eligible);
    // A move that is complete takes in the last added replica and moves the leader away at once.
    else if (!eligible.includes(record.leader) && record.replicas.includes(former.leader))
      throw new Violation(
        "P21",
        `${ledger.nameOf(log)}: node ${record.leader} was elected and no loss recorded; ${told(record)}, before ${told(former)}`,
      );
  }

  /** An election may lose what is committed only once so many disks have lost it that it was not safe on one of the others. */
  #recorded(log: string, record: pb.PartitionRecord, eligible: readonly number[]): void {
    const { observed } = this.#ledger;
    const committed = this.#ledger.of(log);
    const { highWatermark } = committed;
    const endOffset = observed.logOf(record.leader, log)?.endOffset ?? 0;
    if (endOffset >= highWatermark) return;
    const possible = [...new Set(eligible)];
    const without = possible.filter((nodeId) => (observed.logOf(nodeId, log)?.endOffset ?? 0) < highWatermark);
    const needed = Math.min(Math.floor(record.replicas.length / 2) + 1, possible.length);
    if (without.length < needed)
      throw new Violation(
        "P21",
        `${committed.name}: node ${record.leader} was elected with a recorded loss from ${endOffset} to ${highWatermark}, yet only the disks of ${without.join(",") || "nobody"} lack it; ${told(record)}, eligible were ${possible.join(",")}`,
      );
    this.losses.push({ log, afterEvents: this.#eventCount(), fromOffset: endOffset, toOffset: highWatermark });
    committed.lose(endOffset, record.leaderEpoch);
  }
}
