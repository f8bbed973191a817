import { ProtocolError, uuidFromBytes, type pb } from "@ottla/protocol";
import type { State } from "../state.ts";
import { isUsable } from "../tables/brokers.ts";
import type { Context } from "./context.ts";
import { list, tellLeaders } from "./elections.ts";
import { nameOf, writePartitionEvents, type PartitionEvent } from "./event.ts";
import { failure, success } from "./failure.ts";
import { findPartition } from "./find.ts";
import { changePartition, type Changed } from "./partition-change.ts";

/** Leaders say who is in sync with them. Compare and set (P10): it counts only from the leader that the record names, about the record as it is, and for
 * brokers in the incarnation that the leader saw (P8). */
export function alterPartitions(context: Context, command: pb.AlterPartitionsCommand): pb.AlterPartitionsReply {
  const { draft } = context;
  const changes: Changed[] = [];
  const events: PartitionEvent[] = [];
  const partitions = command.partitions.map((asked): pb.AlteredPartition => {
    const { topicId, partition } = asked;
    try {
      const before = findPartition(draft.state, topicId, partition);
      const isr = checked(context, before, asked);
      const change = changePartition(draft, context, before, { isr, unclean: asked.damaged, acted: true });
      if (change) {
        changes.push(change);
        events.push({
          nodeId: change.after.leader,
          partition: change.after,
          text: () => eventText(nameOf(draft, before), change, asked.reason),
        });
      }
      return { topicId, partition, ...success, partitionEpoch: (change?.after ?? before).partitionEpoch };
    } catch (error) {
      return { topicId, partition, ...failure(error), partitionEpoch: 0 };
    }
  });
  const [reason] = command.partitions.map((each) => each.reason).filter((each) => each !== "");
  writePartitionEvents(draft, "isr", events, `other replicas are in sync${reason === undefined ? "" : `: ${reason}`}`);
  tellLeaders(draft, changes, `broker ${context.nodeId} gave it up or is moving away`);
  return { partitions };
}

/** @returns who is in sync from now on */
function checked({ draft, nodeId }: Context, before: pb.PartitionRecord, asked: pb.AlterPartition): number[] {
  const { state } = draft;
  const name = nameOf(draft, before);
  const brokerEpoch = state.brokers.get(nodeId)?.brokerEpoch;
  if (before.leader !== nodeId || before.leaderBrokerEpoch !== brokerEpoch)
    throw new ProtocolError("NOT_LEADER_OR_FOLLOWER", `Broker ${nodeId} does not lead ${name}: ${leaderText(before)}`);
  if (asked.leaderEpoch !== before.leaderEpoch)
    throw new ProtocolError("FENCED_LEADER_EPOCH", `${name} is in leader epoch ${before.leaderEpoch}, not ${asked.leaderEpoch}`);
  if (asked.partitionEpoch !== before.partitionEpoch)
    throw new ProtocolError(
      "INVALID_UPDATE_VERSION",
      `${name} has changed meanwhile: its partition epoch is ${before.partitionEpoch}, not ${asked.partitionEpoch}`,
    );
  const isr = asked.isr.map((member) => member.nodeId);
  const foreign = isr.find((member) => !before.replicas.includes(member));
  if (foreign !== undefined)
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Broker ${foreign} cannot be in sync with ${name}: its replicas are ${list(before.replicas)}`,
    );
  if (new Set(isr).size !== isr.length)
    throw new ProtocolError("INVALID_REQUEST", `The in-sync replicas ${list(isr)} of ${name} name one twice`);
  const dropped = asked.damaged.find((member) => isr.includes(member));
  if (dropped !== undefined)
    throw new ProtocolError("INVALID_REQUEST", `Broker ${dropped} cannot be in sync with ${name} and damaged at once`);
  for (const member of asked.isr) checkMember(state, name, member);
  if (!isr.includes(nodeId) && !(asked.damaged.includes(nodeId) && isr.some((member) => before.isr.includes(member))))
    throw new ProtocolError("INELIGIBLE_REPLICA", `Broker ${nodeId} leads ${name} and stays in sync: no other can lead in its place`);
  // A leader that resigns admits nobody.
  return isr.includes(nodeId) ? isr : isr.filter((member) => before.isr.includes(member));
}

function checkMember(state: State, name: string, { nodeId, brokerEpoch }: pb.InSyncReplica): void {
  const broker = state.brokers.get(nodeId);
  const refuse = (why: string): never => {
    throw new ProtocolError("INELIGIBLE_REPLICA", `Broker ${nodeId} cannot be in sync with ${name}: ${why}`);
  };
  if (!broker) return refuse("it is not registered");
  if (broker.brokerEpoch !== brokerEpoch) refuse(`its epoch is ${broker.brokerEpoch}, the leader saw it with ${brokerEpoch}`);
  if (!isUsable(broker)) refuse(broker.shuttingDown ? "it shuts down" : "it is fenced");
}

function eventText(name: string, { before, after }: Changed, reason: string): string {
  const came = after.isr.filter((nodeId) => !before.isr.includes(nodeId));
  const went = before.isr.filter((nodeId) => !after.isr.includes(nodeId));
  const what = [came.length > 0 ? `${list(came)} came` : "", went.length > 0 ? `${list(went)} went` : ""].filter((each) => each !== "");
  const eligible = after.elr.length > 0 ? `, eligible ${list(after.elr)}` : "";
  const moved = before.replicas.length === after.replicas.length ? "" : `, replicas ${list(after.replicas)} as wanted`;
  return `In sync with ${name}: ${list(after.isr)}${eligible}${moved} (${what.join(", ")})${reason === "" ? "" : `: ${reason}`}`;
}

function leaderText({ leader, leaderEpoch }: pb.PartitionRecord): string {
  return leader === -1 ? "it has no leader" : `broker ${leader} does, since epoch ${leaderEpoch}`;
}

/** A follower cut its log where it differed from its leader's. */
export function reportTruncations({ draft, nodeId }: Context, command: pb.ReportTruncationsCommand): pb.ReportTruncationsReply {
  const events = command.truncations.flatMap(({ topicId, partition, leaderEpoch, fromEnd, toEnd }): PartitionEvent[] => {
    const record = draft.state.topics.get(uuidFromBytes(topicId))?.partitions[partition];
    if (!record) return [];
    const text = (): string =>
      `Broker ${nodeId} cut its log of ${nameOf(draft, record)} from offset ${fromEnd} to ${toEnd}, where it differed from its leader's in epoch ${leaderEpoch}`;
    return [{ nodeId, partition: record, text }];
  });
  writePartitionEvents(draft, "truncated", events, `broker ${nodeId} cut its logs where they differed from their leaders'`);
  return {};
}
