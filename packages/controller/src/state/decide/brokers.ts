import { assert, ProtocolError, uuidFromBytes, type pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import type { Around, Context } from "./context.ts";
import { consequences, electWhereLeaderless, takeOut, tellLeaders } from "./elections.ts";
import { writeEvent } from "./event.ts";

/** The broker no longer speaks with the controller: others lead in its place.
 * @param why for people: continues "is fenced: " */
export function fence(draft: Draft, around: Around, nodeId: number, brokerEpoch: number, why: string): boolean {
  const broker = draft.state.brokers.get(nodeId);
  if (!broker || broker.brokerEpoch !== brokerEpoch || broker.fenced) return false;
  draft.write({ case: "broker", value: { ...broker, fenced: true } });
  const changes = takeOut(draft, around, nodeId);
  writeEvent(draft, "fenced", { nodeId }, `Broker ${nodeId} is fenced: ${why}${consequences(changes, nodeId)}`);
  tellLeaders(draft, changes, `broker ${nodeId} is fenced`);
  return true;
}

/** The broker speaks with the controller and has seen its own registration. */
export function unfence(draft: Draft, around: Around, nodeId: number, brokerEpoch: number): boolean {
  const broker = draft.state.brokers.get(nodeId);
  if (!broker || broker.brokerEpoch !== brokerEpoch || !broker.fenced || broker.shuttingDown) return false;
  const live = { ...broker, fenced: false };
  draft.write({ case: "broker", value: live });
  writeEvent(draft, "unfenced", { nodeId }, `Broker ${nodeId} is live with epoch ${brokerEpoch}`);
  const clean = electWhereLeaderless(draft, around, live);
  tellLeaders(draft, clean, `broker ${nodeId} is live`);
  return true;
}

export function shutdown(context: Context): pb.ShutdownReply {
  const { draft, nodeId } = context;
  const broker = draft.state.brokers.get(nodeId);
  assert(broker !== undefined, `broker ${nodeId} shuts down without being registered`);
  if (broker.shuttingDown) return {};
  draft.write({ case: "broker", value: { ...broker, shuttingDown: true, fenced: true } });
  const changes = takeOut(draft, context, nodeId);
  writeEvent(draft, "shutdown", { nodeId }, `Broker ${nodeId} shuts down${consequences(changes, nodeId)}`);
  tellLeaders(draft, changes, `broker ${nodeId} shuts down`);
  return {};
}

/** Forgets a broker for good.
 * @throws ProtocolError BROKER_ID_NOT_REGISTERED, INVALID_REQUEST while it runs or holds replicas */
export function removeBroker({ draft }: Context, { nodeId }: pb.RemoveBrokerCall): pb.RemoveBrokerAnswer {
  const { brokers, topics, deletedTopics, replies } = draft.state;
  const broker = brokers.get(nodeId);
  if (!broker) throw unknownBroker(nodeId, "remove");
  const held = topics.partitions.on(nodeId).size;
  if (held > 0)
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Cannot remove broker ${nodeId}: it holds ${held} ${held === 1 ? "replica" : "replicas"}; drain it first, and remove it once it holds none`,
    );
  if (!broker.fenced)
    throw new ProtocolError("INVALID_REQUEST", `Cannot remove broker ${nodeId}: it runs, and would register again; stop its process first`);
  for (const [id, deleted] of [...deletedTopics]) {
    const homes = deleted.homes.filter((home) => home.nodeId !== nodeId);
    if (homes.length === deleted.homes.length) continue;
    const { topicId } = deleted;
    assert(uuidFromBytes(topicId) === id, `the deleted topic ${id} stands under another key`);
    if (homes.length === 0) draft.write({ case: "forgetDeletedTopic", value: { topicId } });
    else draft.write({ case: "deletedTopic", value: { topicId, homes } });
  }
  if (replies.count(nodeId) > 0) draft.write({ case: "removeReply", value: { nodeId, belowSequence: Number.MAX_SAFE_INTEGER } });
  draft.write({ case: "removeBroker", value: { nodeId } });
  writeEvent(draft, "removed", { nodeId }, `Broker ${nodeId} was removed from the cluster`);
  return {};
}

export function unknownBroker(nodeId: number, action: string): ProtocolError {
  return new ProtocolError(
    "BROKER_ID_NOT_REGISTERED",
    `Cannot ${action} broker ${nodeId}: there is none with this id; "ottla broker list" names those there are`,
  );
}
