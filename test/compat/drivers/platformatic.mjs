// Drives @platformatic/kafka: a JSON object per line in, one per line out (rig/driver.ts). Runs on a newer Node than the repository asks for, in the
// directory where both are installed.
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const resolve = createRequire(path.join(process.cwd(), "package.json")).resolve;
const { Admin, Consumer, Producer, stringDeserializer } = await import(pathToFileURL(resolve("@platformatic/kafka")).href);

const TOPIC = 2;
const BROKER = 4;
const perBatch = 100;
// As long as a change of leader may take.
const patience = { retries: 200, retryDelay: 100, timeout: 20_000, metadataMaxAge: 2_000 };
const base = { clientId: "compat", bootstrapBrokers: process.argv[2].split(","), ...patience };
const bytes = (text) => (text === null ? undefined : Buffer.from(text));
const text = (data) => (data === null || data === undefined ? null : stringDeserializer(data));

const admin = new Admin(base);
const consumer = new Consumer({ ...base, groupId: "never-joined" });
let producer = null;
let place = null;
let pending = [];
let sending = Promise.resolve();

const send = (messages, how) =>
  producer.send({ messages, acks: -1, ...(how.codec === "none" ? {} : { compression: how.codec }), idempotent: how.idempotent });

async function leaderOf(topic, partition) {
  const metadata = await consumer.metadata({ topics: [topic], forceUpdate: true });
  const found = metadata.topics.get(topic);
  return { id: found.id, node: found.partitions[partition].leader };
}

const ops = {
  producing({ topic, partition, codec, idempotent }) {
    place = { topic, partition, codec, idempotent };
    producer = new Producer({ ...base, idempotent });
    pending = [];
    sending = Promise.resolve();
  },
  record({ key, value, headers, timestampMs }) {
    pending.push({
      topic: place.topic,
      partition: place.partition,
      key: bytes(key),
      value: bytes(value),
      headers: new Map(headers.map(([name, header]) => [Buffer.from(name), Buffer.from(header)])),
      ...(timestampMs === undefined ? {} : { timestamp: BigInt(timestampMs) }),
    });
    if (pending.length >= perBatch) sendPending();
  },
  async flush() {
    sendPending();
    await sending;
    await producer.close();
  },
  async read({ topic, partition, count, offset, timeMs }) {
    let next = offset;
    if (timeMs !== undefined) next = await ops.offsetAt({ topic, partition, at: { timeMs } });
    const found = [];
    let { id, node } = await leaderOf(topic, partition);
    for (let attempts = 0; found.length < count;) {
      const wanted = { partition, currentLeaderEpoch: -1, fetchOffset: BigInt(next), lastFetchedEpoch: -1, partitionMaxBytes: 1_048_576 };
      try {
        const answer = await consumer.fetch({
          node,
          topics: [{ topicId: id, partitions: [wanted] }],
          maxWaitTime: 500,
          minBytes: 1,
          maxBytes: 8_388_608,
          isolationLevel: 1,
        });
        for (const batch of answer.responses[0]?.partitions[0]?.records ?? [])
          for (const record of batch.records) {
            const at = Number(batch.firstOffset) + record.offsetDelta;
            if (at < next || found.length === count) continue;
            next = at + 1;
            found.push({
              offset: at,
              key: text(record.key),
              value: text(record.value),
              headers: record.headers.map(([name, header]) => [text(name), text(header)]),
              timestampMs: Number(batch.firstTimestamp + record.timestampDelta),
            });
          }
      } catch (error) {
        attempts += 1;
        if (attempts > patience.retries) throw error;
        await new Promise((wake) => setTimeout(wake, patience.retryDelay));
        ({ id, node } = await leaderOf(topic, partition).catch(() => ({ id, node })));
      }
    }
    return found;
  },
  createTopic: ({ topic, partitions, configs }) =>
    admin
      .createTopics({
        topics: [topic],
        partitions,
        replicas: -1,
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      })
      .then(() => null),
  listTopics: () => admin.listTopics(),
  async describeTopic({ topic }) {
    const metadata = await admin.metadata({ topics: [topic], forceUpdate: true });
    return {
      partitions: metadata.topics.get(topic).partitions.map(({ leader, replicas, isr }) => ({ leader, replicas, inSync: isr })),
    };
  },
  deleteTopic: ({ topic }) => admin.deleteTopics({ topics: [topic] }),
  addPartitions: ({ topic, total }) => admin.createPartitions({ topics: [{ name: topic, count: total, assignments: null }] }),
  async configs({ kind, name }) {
    const resource = { resourceType: kind === "TOPIC" ? TOPIC : BROKER, resourceName: name, configurationKeys: null };
    const [described] = await admin.describeConfigs({ resources: [resource], includeSynonyms: true, includeDocumentation: true });
    return Object.fromEntries(described.configs.map((config) => [config.name, config.value]));
  },
  setTopicConfig: ({ topic, name, value }) =>
    admin.incrementalAlterConfigs({
      resources: [{ resourceType: TOPIC, resourceName: topic, configs: [{ name, configOperation: 0, value }] }],
    }),
  async offsetAt({ topic, partition, at }) {
    const timestamp = typeof at === "string" ? { latest: -1n, earliest: -2n, "max-timestamp": -3n }[at] : BigInt(at.timeMs);
    const [found] = await admin.listOffsets({ topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }] });
    return Number(found.partitions[0].offset);
  },
  async deleteRecords({ topic, partition, before }) {
    const [deleted] = await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset: BigInt(before) }] }] });
    return Number(deleted.partitions[0].lowWatermark);
  },
  async cluster() {
    const { id, brokers } = await admin.metadata({ topics: [], forceUpdate: true });
    return { nodeIds: [...brokers.keys()], clusterId: id };
  },
  async logDirs({ topic, partition }) {
    const described = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [partition] }] });
    return Object.fromEntries(
      described.map(({ broker, results }) => [
        broker,
        results
          .flatMap(({ topics }) => topics)
          .flatMap(({ partitions }) => partitions)
          .reduce((sum, one) => sum + Number(one.partitionSize), 0),
      ]),
    );
  },
};

/** One batch after another: order is part of what is tested. */
function sendPending() {
  const messages = pending;
  const how = place;
  pending = [];
  if (messages.length > 0) sending = sending.then(() => send(messages, how));
  sending.catch(() => {});
}

function story(error) {
  return [error.message, ...(error.errors ?? []).map(story)].join(": ");
}

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...request } = JSON.parse(line);
  try {
    const answer = await ops[op](request);
    if (op !== "record") console.log(JSON.stringify({ answer: answer ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: `${op}: ${story(error)}` }));
  }
}
await Promise.allSettled([admin.close(), consumer.close(true)]);
process.exit();
