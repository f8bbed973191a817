import { Kafka, logLevel } from "kafkajs";
import { untilTrue } from "./wait.ts";

/** Resolves once every partition has a leader. @param brokers "host:port", separated by commas */
export async function createKafkaTopic(
  brokers: string,
  topic: string,
  numPartitions: number,
  configs: Readonly<Record<string, string>>,
  replicationFactor = 1,
): Promise<void> {
  const admin = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({
    // The client's own way of waiting fails when the broker it asks has not heard of the topic yet.
    waitForLeaders: false,
    topics: [{ topic, numPartitions, replicationFactor, configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })) }],
  });
  const hasLeaders = async (): Promise<boolean> => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }));
    const partitions = topics[0]?.partitions ?? [];
    return partitions.length === numPartitions && partitions.every(({ leader }) => leader >= 0);
  };
  await untilTrue(hasLeaders, 60_000, `the leaders of Kafka's topic ${topic}`);
  await admin.disconnect();
}
