import type { pb } from "@ottla/protocol";
import { told } from "./decisions.ts";
import type { ReplicaInspection } from "./inspection.ts";
import type { Ledger } from "./ledger.ts";
import { Violation } from "./violation.ts";

/** P3, P4, P5, P8, P9: whoever may lead holds all that is committed, byte for byte; P6: the leader waits for each of them.
 * @throws Violation */
export function checkCandidates(ledger: Ledger, log: string): void {
  const record = ledger.decisions.partitions.get(log)?.record;
  if (record === undefined) return;
  const committed = ledger.of(log);
  for (const nodeId of [...record.isr, ...record.elr]) {
    const node = ledger.node(nodeId);
    const broker = ledger.decisions.brokers.get(nodeId);
    if (node === undefined || !node.running || node.brokerEpoch === null || node.brokerEpoch !== broker?.brokerEpoch) continue;
    const held = ledger.observed.logOf(nodeId, log);
    const safe = (ledger.observed.relaxed ? held?.endOffset : held?.durableOffset) ?? 0;
    const why = record.leader === nodeId ? "leads" : record.isr.includes(nodeId) ? "is in sync" : "is eligible";
    if (safe < committed.highWatermark && committed.highWatermark > committed.startOffset)
      throw new Violation(
        "P3",
        `node ${nodeId} ${why} for ${committed.name}, holds ${safe}${ledger.observed.relaxed ? "" : " durably"}, committed is ${committed.highWatermark}; ${told(record)}`,
      );
    const different = committed.check(nodeId, held, committed.highWatermark);
    if (different !== null) throw new Violation("P5", `node ${nodeId} ${why}, and ${different}; ${told(record)}`);
  }
  const leader = leaderView(ledger, record, log);
  if (leader === null || leader.isr.length < leader.minInSync) return;
  const outside = [...record.isr, ...record.elr].filter((nodeId) => !leader.maximalIsr.includes(nodeId));
  if (outside.length > 0)
    throw new Violation(
      "P6",
      `the leader of ${committed.name} waits for ${leader.maximalIsr.join(",")} and not for ${outside.join(",")}; ${told(record)}`,
    );
}

function leaderView(ledger: Ledger, record: pb.PartitionRecord, log: string): ReplicaInspection | null {
  const node = ledger.node(record.leader);
  if (node === undefined || !node.running || node.brokerEpoch !== record.leaderBrokerEpoch) return null;
  for (const replica of node.replicas)
    if (replica.log === log && replica.role === "leader" && replica.leaderEpoch === record.leaderEpoch) return replica;
  return null;
}
