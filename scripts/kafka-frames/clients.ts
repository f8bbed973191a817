import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Kafka as KafkaJs, logLevel } from "kafkajs";
import { run, type Kafka } from "./kafka.ts";

/** Everything that the tools of Kafka and two clients of others ask of a broker. */
export async function runClients(kafka: Kafka, bootstrap: string): Promise<void> {
  await runTools(kafka, bootstrap);
  await runKcat(bootstrap);
  await runKafkaJs(bootstrap);
}

async function runTools(kafka: Kafka, bootstrap: string): Promise<void> {
  const tool = (name: string, line: string, input?: string): Promise<string> =>
    kafka.tool(name, ["--bootstrap-server", bootstrap, ...line.split(" ")], { seconds: 40, ...(input === undefined ? {} : { input }) });
  const moves = join(kafka.directory, "moves.json");
  const offsets = join(kafka.directory, "offsets.json");
  const election = join(kafka.directory, "election.json");
  await writeFile(moves, JSON.stringify({ version: 1, partitions: [{ topic: "flights", partition: 0, replicas: [1] }] }));
  await writeFile(offsets, JSON.stringify({ version: 1, partitions: [{ topic: "flights", partition: 0, offset: 1 }] }));
  await writeFile(election, JSON.stringify({ partitions: [{ topic: "flights", partition: 0 }] }));
  await tool("TopicCommand", "--create --topic flights --partitions 3 --config retention.ms=3600000");
  await tool("TopicCommand", "--create --topic doomed --partitions 1");
  await tool("TopicCommand", "--describe");
  await tool("TopicCommand", "--alter --topic flights --partitions 4");
  await tool("ConsoleProducer", "--topic flights --property parse.key=true", "a\tone\nb\ttwo\nc\tthree\n");
  await tool("VerifiableProducer", "--topic flights --max-messages 20 --throughput -1");
  await tool("consumer.ConsoleConsumer", "--topic flights --partition 0 --offset earliest --timeout-ms 3000");
  await tool("consumer.ConsoleConsumer", "--topic flights --group readers --from-beginning --timeout-ms 4000");
  await tool("consumer.ConsoleConsumer", "--topic flights --from-beginning --timeout-ms 4000 --command-property group.protocol=consumer");
  await tool("GetOffsetShell", "--topic-partitions flights --time latest");
  await tool("GetOffsetShell", "--topic-partitions flights --time max-timestamp");
  await tool("DeleteRecordsCommand", `--offset-json-file ${offsets}`);
  await tool("reassign.ReassignPartitionsCommand", `--reassignment-json-file ${moves} --execute`);
  await tool("reassign.ReassignPartitionsCommand", `--reassignment-json-file ${moves} --verify`);
  await tool("reassign.ReassignPartitionsCommand", "--list");
  await tool("LeaderElectionCommand", `--election-type preferred --path-to-json-file ${election}`);
  await tool("LogDirsCommand", "--describe --topic-list flights");
  await tool("MetadataQuorumCommand", "describe --status");
  await tool("MetadataQuorumCommand", "describe --replication");
  await kafka.tool("ClusterTool", ["cluster-id", "--bootstrap-server", bootstrap]);
  await tool("AclCommand", "--add --allow-principal User:alice --operation Read --topic flights");
  await tool("AclCommand", "--list");
  await tool("AclCommand", "--remove --allow-principal User:alice --operation Read --topic flights --force");
  await tool("FeatureCommand", "upgrade --feature group.version=1 --dry-run");
  await tool("TransactionsCommand", "describe-producers --topic flights --partition 0");
  await tool("TransactionsCommand", "list");
  await tool("consumer.group.ConsumerGroupCommand", "--describe --group readers");
  await tool("consumer.group.ConsumerGroupCommand", "--list --state");
  await tool("consumer.group.ConsumerGroupCommand", "--delete-offsets --group readers --topic flights");
  await tool("consumer.group.ConsumerGroupCommand", "--delete --group readers");
  await tool("TopicCommand", "--delete --topic doomed");
  for (const line of [
    "--alter --entity-type topics --entity-name flights --add-config max.message.bytes=500000",
    "--describe --entity-type topics --entity-name flights --all",
    "--describe --entity-type brokers --entity-name 1 --all",
    "--alter --entity-type clients --entity-name me --add-config producer_byte_rate=1024",
    "--describe --entity-type clients --entity-name me",
    "--alter --entity-type users --entity-name alice --add-config SCRAM-SHA-256=[iterations=4096,password=secret]",
    "--describe --entity-type users --entity-name alice",
  ])
    await kafka.tool("kafka.admin.ConfigCommand", ["--bootstrap-server", bootstrap, ...line.split(" ")]);
}

async function runKcat(bootstrap: string): Promise<void> {
  for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"])
    await run("kcat", ["-b", bootstrap, "-P", "-t", "flights", "-z", codec, "-K", ":"], { input: "key:value\n".repeat(3) });
  await run("kcat", ["-b", bootstrap, "-L"]);
  await run("kcat", ["-b", bootstrap, "-C", "-t", "flights", "-o", "beginning", "-e", "-q"]);
  await run("kcat", ["-b", bootstrap, "-Q", "-t", "flights:0:1"]);
  await run("kcat", ["-b", bootstrap, "-P", "-t", "flights", "-X", "enable.idempotence=true"], { input: "value\n" });
}

async function runKafkaJs(bootstrap: string): Promise<void> {
  const client = new KafkaJs({ clientId: "kafkajs", brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "trains", numPartitions: 2, configEntries: [{ name: "retention.ms", value: "60000" }] }] });
  await admin.createPartitions({ topicPartitions: [{ topic: "trains", count: 3 }] });
  await admin.fetchTopicOffsets("trains");
  const resources = [{ type: 2, name: "trains" }];
  await admin.describeConfigs({ resources, includeSynonyms: true });
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: 2, name: "trains", configEntries: [{ name: "retention.ms", value: "70000" }] }],
  });
  await admin.listTopics();
  await admin.describeCluster();
  await admin.listGroups();
  const producer = client.producer({ idempotent: true });
  await producer.connect();
  await producer.send({ topic: "trains", messages: [{ key: "k", value: "v", headers: { h: "1" } }, { value: "w" }] });
  await producer.disconnect();
  const transactional = client.producer({ transactionalId: "tx", maxInFlightRequests: 1, idempotent: true });
  await transactional.connect();
  const transaction = await transactional.transaction();
  await transaction.send({ topic: "trains", messages: [{ value: "x" }] });
  await transaction.sendOffsets({ consumerGroupId: "group", topics: [{ topic: "trains", partitions: [{ partition: 0, offset: "1" }] }] });
  await transaction.commit();
  await transactional.disconnect();
  const consumer = client.consumer({ groupId: "kafkajs-readers" });
  await consumer.connect();
  await consumer.subscribe({ topics: ["trains"], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.run({ eachMessage: async () => resolve() }).catch(reject);
  });
  await consumer.disconnect();
  await admin.describeGroups(["kafkajs-readers"]);
  await admin.deleteTopicRecords({ topic: "trains", partitions: [{ partition: 0, offset: "0" }] });
  await admin.deleteTopics({ topics: ["trains"] });
  await admin.disconnect();
}
