import { connect, type Socket } from "node:net";
import { kafka } from "@ottla/protocol";
import type { Frames } from "./frames.ts";

/** Changes nothing, and its answer is worth having in every version. */
const harmless = new Set(
  [
    "ApiVersions DescribeAcls DescribeClientQuotas DescribeCluster DescribeConfigs DescribeGroups DescribeLogDirs DescribeProducers",
    "DescribeQuorum DescribeTopicPartitions DescribeTransactions DescribeUserScramCredentials Fetch FindCoordinator InitProducerId",
    "ListGroups ListOffsets ListPartitionReassignments ListTransactions Metadata OffsetFetch OffsetForLeaderEpoch CreateTopics",
    "CreatePartitions DeleteTopics DeleteRecords AlterConfigs IncrementalAlterConfigs ElectLeaders Produce AlterPartitionReassignments",
  ].flatMap((line) => line.split(" ")),
);

type AnyApi = kafka.Api<unknown, unknown, unknown>;

/** What clients ask only in rare moments: where an epoch ends, after a change of leaders. */
const rare = {
  replicaId: -1,
  topics: [{ topic: "flights", partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }] }],
} satisfies kafka.OffsetForLeaderEpochRequest;

/** Asks again in each version that Kafka knows what clients asked in one of them: the answers are the server's own bytes. */
export async function replayInAllVersions(port: number, frames: Frames): Promise<void> {
  const { offsetForLeaderEpoch } = kafka.apis;
  for (let version = offsetForLeaderEpoch.versions[0]; version <= offsetForLeaderEpoch.versions[1]; version++) {
    const answer = await ask(port, offsetForLeaderEpoch as unknown as AnyApi, version, rare);
    if (answer !== null) frames.add(offsetForLeaderEpoch, version, "response", answer);
  }
  for (const { apiName, version, bytes } of frames.requests) {
    if (!harmless.has(apiName)) continue;
    const { apiKey, bodyAt, apiVersion } = kafka.decodeRequestHeader(bytes);
    const api = kafka.apiByKey(apiKey) as AnyApi | undefined;
    if (api === undefined || apiVersion !== version) continue;
    const body = kafka.decodeRequest(api, version, bytes, bodyAt);
    for (let other = api.versions[0]; other <= api.versions[1]; other++) {
      if (other === version) continue;
      const answer = await ask(port, api, other, body);
      if (answer !== null) frames.add(api, other, "response", answer);
    }
  }
}

/** Null for a request that this version cannot say, or that Kafka does not take. */
async function ask(port: number, api: AnyApi, version: number, body: unknown): Promise<Uint8Array | null> {
  let parts: Uint8Array[];
  try {
    parts = kafka.encodeRequest(api, version, { correlationId: 7, clientId: "replay" }, body);
  } catch {
    return null;
  }
  const size = Buffer.alloc(4);
  size.writeInt32BE(parts.reduce((sum, { length }) => sum + length, 0));
  const socket = connect(port, "127.0.0.1");
  try {
    socket.write(Buffer.concat([size, ...parts]));
    return await answerOf(socket);
  } finally {
    socket.destroy();
  }
}

function answerOf(socket: Socket): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0);
    const none = (): void => resolve(null);
    socket.setTimeout(3000, none);
    socket.on("error", none);
    socket.on("close", none);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) resolve(received.subarray(4));
    });
  });
}
