import { uuidFromBytes, type pb } from "@ottla/protocol";
import type { Topic } from "../tables/topics.ts";
import type { Context } from "./context.ts";
import { failure, success } from "./failure.ts";
import { findTopic, findTopicById } from "./find.ts";

export function deleteTopics(context: Context, call: pb.DeleteTopicsCall): pb.DeleteTopicsAnswer {
  const { state } = context.draft;
  const named = call.names.map((name) => outcome(context, { name, topicId: new Uint8Array(0) }, () => findTopic(state, name)));
  const identified = call.topicIds.map((topicId) => outcome(context, { name: "", topicId }, () => findTopicById(state, topicId)));
  return { topics: [...named, ...identified] };
}

/** Where a deleted topic's logs were removed, the directory confirms it; when all have, the topic is forgotten. */
export function confirmDeletion({ draft, nodeId }: Context, command: pb.ConfirmDeletionCommand): pb.ConfirmDeletionReply {
  const broker = draft.state.brokers.get(nodeId);
  for (const topicId of command.topicIds) {
    const deleted = draft.state.deletedTopics.get(uuidFromBytes(topicId));
    if (!deleted || !broker) continue;
    const homes = deleted.homes.filter(
      (home) => home.nodeId !== nodeId || uuidFromBytes(home.directoryId) !== uuidFromBytes(broker.directoryId),
    );
    if (homes.length === deleted.homes.length) continue;
    if (homes.length === 0) draft.write({ case: "forgetDeletedTopic", value: { topicId } });
    else draft.write({ case: "deletedTopic", value: { topicId, homes } });
  }
  return {};
}

function outcome({ draft }: Context, asked: { name: string; topicId: Uint8Array }, find: () => Topic): pb.TopicOutcome {
  try {
    const topic = find();
    const nodes = new Set(topic.partitions.flatMap(({ replicas }) => replicas));
    const homes = [...nodes].flatMap((nodeId) => {
      const broker = draft.state.brokers.get(nodeId);
      return broker ? [{ nodeId, directoryId: broker.directoryId }] : [];
    });
    const { idBytes: topicId, name } = topic;
    draft.write({ case: "removeTopic", value: { topicId } });
    if (homes.length > 0) draft.write({ case: "deletedTopic", value: { topicId, homes } });
    return { name, topicId, ...success };
  } catch (error) {
    return { ...asked, ...failure(error) };
  }
}
