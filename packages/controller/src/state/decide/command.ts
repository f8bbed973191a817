import { pb, ProtocolError, type ErrorName } from "@ottla/protocol";
import { alterReplicationFactor } from "./replication-factor.ts";
import { removeBroker, shutdown } from "./brokers.ts";
import { alterConfigs } from "./configs.ts";
import type { Context } from "./context.ts";
import { createPartitions } from "./create-partitions.ts";
import { createTopics } from "./create-topics.ts";
import { confirmDeletion, deleteTopics } from "./delete-topics.ts";
import { describeEvents, describeQuorum } from "./describe.ts";
import { drainBroker } from "./drain.ts";
import { electLeaders } from "./elect-leaders.ts";
import { updateFeatures } from "./features.ts";
import { alterPartitions, reportTruncations } from "./in-sync.ts";
import { commitOffsets, deleteGroups, deleteOffsets, fetchOffsets, listGroups } from "./offsets.ts";
import { allocateProducerIds } from "./producer-ids.ts";
import { reassignPartitions } from "./reassign.ts";
import { register, type Former } from "./registration.ts";
import { changeVoters } from "./voters.ts";

/** What came with a command. */
export interface Origin {
  readonly brokerEpoch: number;
  readonly lowestUnanswered: number;
  /** Whether the node's registered incarnation speaks with this controller on another session. */
  readonly former: Former;
}

/** Replies kept for one broker. */
const MAX_KEPT_REPLIES = 500;
/** Replies that may go are dropped by one record for many, once there are so many. */
const DROP_REPLIES_FROM = 64;
/** Of one command: an entry travels in one message. */
const MAX_COMMAND_BYTES = 4 * 1024 * 1024;

/** Decides one command of a broker. A command that wrote records leaves its reply in the state, for a resend after a lost reply; a refusal is decided
 * anew each time.
 * @throws TooFewBrokers when it cannot be decided yet; nothing is written then */
export function decideCommand(context: Context, origin: Origin, command: pb.Command): pb.CommandReply {
  const { draft, nodeId } = context;
  const mark = draft.mark();
  try {
    if (command.command.case === "register") {
      const value = register(context, command.command.value, origin.former);
      return reply(context, command, { case: "register", value });
    }
    checkOrigin(context, origin);
    const kept = draft.state.replies.get(nodeId, command.sequence);
    if (kept) return pb.CommandReply.decode(kept.reply);
    checkSequence(context, origin, command);
    const decided = reply(context, command, decide(context, command.command));
    if (draft.records.length > mark.records) keep(context, origin, decided);
    // What a stop changes cannot be asked for in parts, and a fencing would change as much.
    if (command.command.case !== "shutdown" && draft.bytes - mark.bytes > MAX_COMMAND_BYTES)
      throw new ProtocolError(
        "POLICY_VIOLATION",
        `The command changes ${draft.bytes - mark.bytes} bytes of the controller's state, at most ${MAX_COMMAND_BYTES} may change at once; split the request`,
      );
    return decided;
  } catch (error) {
    draft.rollBack(mark);
    if (!(error instanceof ProtocolError)) throw error;
    return refusal(command.sequence, error.error, error.message, draft.clusterIndex);
  }
}

export function refusal(sequence: number, error: ErrorName, message: string, index: number): pb.CommandReply {
  return { sequence, errorCode: new ProtocolError(error, message).code, errorMessage: message, index, reply: { case: undefined } };
}

function decide(context: Context, command: pb.Command["command"]): pb.CommandReply["reply"] {
  switch (command.case) {
    case "createTopics":
      return { case: command.case, value: createTopics(context, command.value) };
    case "deleteTopics":
      return { case: command.case, value: deleteTopics(context, command.value) };
    case "createPartitions":
      return { case: command.case, value: createPartitions(context, command.value) };
    case "alterConfigs":
      return { case: command.case, value: alterConfigs(context, command.value) };
    case "allocateProducerIds":
      return { case: command.case, value: allocateProducerIds(context, command.value) };
    case "commitOffsets":
      return { case: command.case, value: commitOffsets(context, command.value) };
    case "fetchOffsets":
      return { case: command.case, value: fetchOffsets(context, command.value) };
    case "listGroups":
      return { case: command.case, value: listGroups(context) };
    case "deleteGroups":
      return { case: command.case, value: deleteGroups(context, command.value) };
    case "deleteOffsets":
      return { case: command.case, value: deleteOffsets(context, command.value) };
    case "confirmDeletion":
      return { case: command.case, value: confirmDeletion(context, command.value) };
    case "shutdown":
      return { case: command.case, value: shutdown(context) };
    case "alterPartitions":
      return { case: command.case, value: alterPartitions(context, command.value) };
    case "reassignPartitions":
      return { case: command.case, value: reassignPartitions(context, command.value) };
    case "electLeaders":
      return { case: command.case, value: electLeaders(context, command.value) };
    case "drainBroker":
      return { case: command.case, value: drainBroker(context, command.value) };
    case "removeBroker":
      return { case: command.case, value: removeBroker(context, command.value) };
    case "alterReplicationFactor":
      return { case: command.case, value: alterReplicationFactor(context, command.value) };
    case "changeVoters":
      return { case: command.case, value: changeVoters(context, command.value) };
    case "updateFeatures":
      return { case: command.case, value: updateFeatures(context, command.value) };
    case "describeEvents":
      return { case: command.case, value: describeEvents(context, command.value) };
    case "describeQuorum":
      return { case: command.case, value: describeQuorum(context) };
    case "reportTruncations":
      return { case: command.case, value: reportTruncations(context, command.value) };
    default:
      throw new ProtocolError(
        "UNSUPPORTED_VERSION",
        "This controller does not know the command; run brokers and controllers of the same version",
      );
  }
}

function checkOrigin({ draft, nodeId }: Context, { brokerEpoch }: Origin): void {
  const broker = draft.state.brokers.get(nodeId);
  if (!broker)
    throw new ProtocolError("BROKER_ID_NOT_REGISTERED", `Broker ${nodeId} has not registered: its first command must be to register`);
  if (broker.brokerEpoch !== brokerEpoch)
    throw new ProtocolError(
      "STALE_BROKER_EPOCH",
      `The command of broker ${nodeId} has broker epoch ${brokerEpoch}, it is registered with epoch ${broker.brokerEpoch}; register again`,
    );
}

function checkSequence({ draft, nodeId }: Context, { lowestUnanswered }: Origin, { sequence }: pb.Command): void {
  if (sequence < lowestUnanswered)
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Command ${sequence} of broker ${nodeId} comes after it said that all below ${lowestUnanswered} were answered`,
    );
  const { replies } = draft.state;
  if (replies.count(nodeId) < MAX_KEPT_REPLIES) return;
  const needed = [...replies.of(nodeId)].filter((each) => each.sequence >= lowestUnanswered).length;
  if (needed >= MAX_KEPT_REPLIES)
    throw new ProtocolError(
      "THROTTLING_QUOTA_EXCEEDED",
      `Broker ${nodeId} has ${needed} commands whose replies it has not confirmed, at most ${MAX_KEPT_REPLIES} may be; try again`,
    );
}

function reply({ draft }: Context, { sequence }: pb.Command, answer: pb.CommandReply["reply"]): pb.CommandReply {
  return { sequence, errorCode: 0, errorMessage: "", index: draft.clusterIndex, reply: answer };
}

function keep({ draft, nodeId }: Context, { brokerEpoch, lowestUnanswered }: Origin, decided: pb.CommandReply): void {
  const { replies } = draft.state;
  const [oldest] = replies.of(nodeId);
  if (replies.count(nodeId) >= DROP_REPLIES_FROM && oldest && oldest.sequence < lowestUnanswered)
    draft.write({ case: "removeReply", value: { nodeId, belowSequence: lowestUnanswered } });
  draft.write({ case: "reply", value: { nodeId, brokerEpoch, sequence: decided.sequence, reply: pb.CommandReply.encode(decided) } });
}
