import { ProtocolError, type pb } from "@ottla/protocol";
import type { Context } from "./context.ts";
import { tellLeaders } from "./elections.ts";
import { nameOf } from "./event.ts";
import { failure, success } from "./failure.ts";
import { findPartition } from "./find.ts";
import { changePartition, hasLeader, type Changed } from "./partition-change.ts";
import { electUnclean } from "./recovery.ts";

/** Preferred leaders, or, where nobody else can lead, any replica that is live. */
export function electLeaders(context: Context, { partitions, unclean }: pb.ElectLeadersCall): pb.ElectLeadersAnswer {
  const { draft } = context;
  const { state } = draft;
  const changes: Changed[] = [];
  const elect = (before: pb.PartitionRecord): void => {
    if (unclean) return electAny(context, before);
    changes.push(electPreferred(context, before));
  };
  const outcomeOf = ({ topicId, partition }: pb.TopicPartition, find: () => pb.PartitionRecord): pb.PartitionOutcome => {
    try {
      elect(find());
      return { topicId, partition, ...success };
    } catch (error) {
      return { topicId, partition, ...failure(error) };
    }
  };
  const all = unclean ? state.topics.partitions.leaderless : state.topics.partitions.away;
  const outcomes =
    partitions.length > 0
      ? partitions.map((each) => outcomeOf(each, () => findPartition(state, each.topicId, each.partition)))
      : [...all].map((each) => outcomeOf(each, () => each)).filter(({ errorCode }) => errorCode === 0);
  tellLeaders(draft, changes, "an operator had the preferred leaders elected");
  return { partitions: outcomes };
}

function electPreferred(context: Context, before: pb.PartitionRecord): Changed {
  const { draft } = context;
  const [preferred = -1] = before.replicas;
  const name = nameOf(draft, before);
  if (before.leader === preferred) throw new ProtocolError("ELECTION_NOT_NEEDED", `Broker ${preferred} leads ${name} already`);
  if (!before.isr.includes(preferred))
    throw new ProtocolError(
      "PREFERRED_LEADER_NOT_AVAILABLE",
      `Broker ${preferred}, the preferred leader of ${name}, is not in sync: those are [${before.isr.join(", ")}]; wait until it has caught up`,
    );
  if (context.lastResort.has(preferred))
    throw new ProtocolError(
      "PREFERRED_LEADER_NOT_AVAILABLE",
      `Broker ${preferred}, the preferred leader of ${name}, is behind the cluster or has too little free space (log.min.free.bytes); it leads again by itself once that is over`,
    );
  const change = changePartition(draft, context, before, { leader: preferred });
  if (!change)
    throw new ProtocolError("PREFERRED_LEADER_NOT_AVAILABLE", `Broker ${preferred}, the preferred leader of ${name}, cannot lead now`);
  return change;
}

function electAny(context: Context, before: pb.PartitionRecord): void {
  const { draft } = context;
  const name = nameOf(draft, before);
  if (hasLeader(draft.state, before))
    throw new ProtocolError("ELECTION_NOT_NEEDED", `${name} is led by broker ${before.leader}: nothing need be given up`);
  if (!electUnclean(draft, context, before, "an operator had it elected without being in sync"))
    throw new ProtocolError(
      "ELIGIBLE_LEADERS_NOT_AVAILABLE",
      `None of the replicas [${before.replicas.join(", ")}] of ${name} is live; start one of these brokers`,
    );
}
