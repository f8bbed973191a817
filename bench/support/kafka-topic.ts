import { Kafka, logLevel } from "kafkajs";

export async function createKafkaTopic(
  bootstrap: string,
  topic: string,
  numPartitions: number,
  configs: Readonly<Record<string, string>>,
): Promise<void> {
  const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR }).admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      { topic, numPartitions, replicationFactor: 1, configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })) },
    ],
  });
  await admin.disconnect();
}
