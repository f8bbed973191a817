import { kafka, type pb, ProtocolError, uuidFromBytes } from "@ottla/protocol";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { boundPartitions } from "../data/limits.ts";
import { ask, USUAL_TIMEOUT_MS } from "./ask.ts";
import { done, Outcomes } from "./outcomes.ts";

type Partition = kafka.DescribeQuorumResponse["topics"][number]["partitions"][number];
type Replica = Partition["currentVoters"][number];

/** What Kafka calls the one log that its controllers agree on. */
const METADATA_TOPIC = "__cluster_metadata";

/** There is one to ask about. */
const MOST_PARTITIONS = 1000;

export const describeQuorum = defineApi<kafka.DescribeQuorumRequest, kafka.DescribeQuorumResponse>({
  api: kafka.apis.describeQuorum,
  versions: [0, 2],
  handle,
});

async function handle(
  door: KafkaParts,
  { version, context, body }: KafkaRequest<kafka.DescribeQuorumRequest>,
): Promise<kafka.DescribeQuorumResponse> {
  boundPartitions("DescribeQuorum", body.topics, ({ partitions }) => partitions, MOST_PARTITIONS);
  const outcomes = new Outcomes(door, kafka.apis.describeQuorum, version);
  try {
    const quorum = await ask(door, context, USUAL_TIMEOUT_MS, "describeQuorum", {});
    const topics = body.topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }): Partition => {
        if (topicName === METADATA_TOPIC && partitionIndex === 0) return { ...done, partitionIndex, ...described(door, quorum) };
        const error = new ProtocolError(
          "UNKNOWN_TOPIC_OR_PARTITION",
          `No controllers agree on partition ${partitionIndex} of "${topicName}": their log is partition 0 of "${METADATA_TOPIC}"`,
        );
        const nothing = { leaderId: -1, leaderEpoch: -1, highWatermark: -1, currentVoters: [], observers: [] };
        return { ...outcomes.failed(error), partitionIndex, ...nothing };
      }),
    }));
    const nodes = quorum.members
      .filter(({ host }) => host !== "")
      .map(({ nodeId, host, port }) => ({ nodeId, listeners: [{ name: "CONTROLLER", host, port }] }));
    return { ...done, topics, nodes };
  } catch (error) {
    return { ...outcomes.caught(error), topics: [], nodes: [] };
  }
}

/** Kafka's ends and watermarks are one behind the last entry. */
function described({ parts }: KafkaParts, quorum: pb.DescribeQuorumAnswer): Omit<Partition, "partitionIndex" | "errorCode"> {
  const nowMs = parts.clock.wallMs();
  const replica = ({ nodeId, directoryId, matchIndex, silentMs }: pb.QuorumMember): Replica => {
    const lastFetchTimestamp = nodeId === quorum.leaderId ? nowMs : silentMs < 0 ? -1 : nowMs - silentMs;
    return {
      replicaId: nodeId,
      ...(directoryId.length === 0 ? {} : { replicaDirectoryId: uuidFromBytes(directoryId) }),
      logEndOffset: matchIndex + 1,
      lastFetchTimestamp,
      lastCaughtUpTimestamp: matchIndex >= quorum.commitIndex ? lastFetchTimestamp : -1,
    };
  };
  return {
    leaderId: quorum.leaderId,
    leaderEpoch: quorum.term,
    highWatermark: quorum.commitIndex + 1,
    currentVoters: quorum.members.filter(({ voter }) => voter).map(replica),
    observers: quorum.members.filter(({ voter }) => !voter).map(replica),
  };
}
