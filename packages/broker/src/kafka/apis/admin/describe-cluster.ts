import { kafka, ProtocolError } from "@ottla/protocol";
import { controllerAmong } from "../../../operations/addresses.ts";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { ALL_CLUSTER_OPERATIONS } from "./authorized-operations.ts";
import { ask, USUAL_TIMEOUT_MS } from "./ask.ts";
import { done, Outcomes } from "./outcomes.ts";

const BROKERS = 1;

export const describeCluster = defineApi<kafka.DescribeClusterRequest, kafka.DescribeClusterResponse>({
  api: kafka.apis.describeCluster,
  versions: [0, 2],
  handle,
});

async function handle(
  door: KafkaParts,
  { version, context, body }: KafkaRequest<kafka.DescribeClusterRequest>,
): Promise<kafka.DescribeClusterResponse> {
  const { endpointType, includeFencedBrokers, includeClusterAuthorizedOperations } = body;
  const outcomes = new Outcomes(door, kafka.apis.describeCluster, version);
  try {
    if (endpointType !== BROKERS)
      throw new ProtocolError(
        "UNSUPPORTED_ENDPOINT_TYPE",
        `Cannot describe the endpoints of type ${endpointType} here: this door leads to brokers (${BROKERS}); controllers have none for Kafka's clients`,
      );
    const { clusterId, nodes } = await ask(door, context, USUAL_TIMEOUT_MS, "describeCluster", {});
    const reachable = nodes.filter(({ broker, host, fenced }) => broker && host !== "" && (includeFencedBrokers || !fenced));
    const brokers = reachable.map(({ nodeId, host, port, rack, fenced }) => ({
      brokerId: nodeId,
      host,
      port,
      rack: rack === "" ? null : rack,
      isFenced: fenced,
    }));
    const named = controllerAmong(
      brokers.filter(({ isFenced }) => !isFenced).map(({ brokerId: nodeId }) => ({ nodeId })),
      door.parts,
    );
    const rest = includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: ALL_CLUSTER_OPERATIONS } : {};
    return { ...done, endpointType, clusterId, controllerId: named, brokers, ...rest };
  } catch (error) {
    return { ...outcomes.caught(error), endpointType, clusterId: "", brokers: [] };
  }
}
