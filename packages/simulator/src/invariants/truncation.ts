import type { WrittenBatch } from "../disk/replica-log.ts";
import type { Gone } from "../disk/replica-logs.ts";
import type { Ledger } from "./ledger.ts";
import { Violation } from "./violation.ts";

/** P13: what a replica cuts off its log was not committed.
 *
 * Not looked at are logs of which a replica may lose all or part without being a copy that anybody counts on:
 * - of a node whose files were damaged: it cuts where it finds the damage (P9 sees to it that it counts nowhere until it has caught up);
 * - of a node to which the partition is not assigned: it removes its log;
 * - a whole directory removed at a node that is neither in sync nor eligible: the partition had moved away and is assigned to it again, and
 *   the removal of the former log was decided by the entry that moved it away, which nothing takes back.
 * @throws Violation */
export function checkCut(ledger: Ledger, nodeId: number, log: string, gone: readonly WrittenBatch[], how: Gone): void {
  const committed = ledger.of(log);
  const first = gone[0];
  if (first === undefined) return;
  committed.forget(nodeId, first.baseOffset);
  ledger.changed.add(log);
  const record = ledger.decisions.partitions.get(log)?.record;
  if (ledger.observed.damaged(nodeId) || record?.replicas.includes(nodeId) !== true) return;
  const counts = [...record.isr, ...record.elr, ...record.lastEligible].includes(nodeId);
  if (how === "directory" && !counts) return;
  // A log may be shortened at its beginning in the very step in which its start moves.
  for (const replica of ledger.node(nodeId)?.replicas ?? []) if (replica.log === log) committed.starts(replica.startOffset);
  const lost = gone.find((batch) => batch.lastOffset >= committed.startOffset && committed.holds(batch));
  if (lost !== undefined)
    throw new Violation(
      "P13",
      `node ${nodeId} cut ${committed.name} at ${first.baseOffset}; ${lost.baseOffset} to ${lost.lastOffset} of epoch ${lost.leaderEpoch} is committed (up to ${committed.highWatermark})`,
    );
}
