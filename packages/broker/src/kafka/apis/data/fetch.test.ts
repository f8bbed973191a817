import { batches, errors, kafka, pb, type Uuid } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { startBroker } from "../../../broker.test.kit.ts";
import { batchOf } from "../../../partition/partition.test.kit.ts";
import { brokerTwo, KafkaClient, type KafkaRig, kafkaRig, produceOf } from "./kafka-client.test.kit.ts";

const { fetch } = kafka.apis;

interface Wish {
  readonly partition?: number;
  readonly from?: number;
  readonly maxBytes?: number;
  readonly epoch?: number;
  readonly lastEpoch?: number;
}

/** A request for partitions of "orders". */
export function fetchOf(
  rig: KafkaRig,
  wishes: readonly Wish[],
  options: {
    name?: string;
    topicId?: Uuid;
    maxWaitMs?: number;
    minBytes?: number;
    maxBytes?: number;
    isolationLevel?: number;
    replicaId?: number;
  } = {},
) {
  const { name = "orders", topicId = rig.topicId, maxWaitMs = 0, minBytes = 1, maxBytes = 1 << 20, ...rest } = options;
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    ...rest,
    topics: [
      {
        topic: name,
        topicId,
        partitions: wishes.map(({ partition = 0, from = 0, maxBytes: partitionMaxBytes = 1 << 20, epoch = -1, lastEpoch = -1 }) => ({
          partition,
          fetchOffset: from,
          partitionMaxBytes,
          currentLeaderEpoch: epoch,
          lastFetchedEpoch: lastEpoch,
        })),
      },
    ],
    forgottenTopicsData: [],
    rackId: "",
  };
}

const offsetsOf = (records: Uint8Array | null): number[] =>
  [...batches(records ?? new Uint8Array(0))].map(({ header }) => header.baseOffset);

async function ask(rig: KafkaRig, wishes: readonly Wish[], version = 12, options: Parameters<typeof fetchOf>[2] = {}) {
  const answer = await rig.kafkaClient.ask(fetch, version, fetchOf(rig, wishes, options));
  return answer.responses.flatMap(({ partitions }) => partitions);
}

describe("fetching", () => {
  test.each(Array.from({ length: 15 }, (_, i) => i + 4))(
    "version %i reads whole batches from the one that holds the offset",
    async (version) => {
      const rig = await kafkaRig({ batches: 3 });
      const { errorCode, sessionId, responses } = await rig.kafkaClient.ask(fetch, version, fetchOf(rig, [{ from: 1 }]));
      expect([errorCode, sessionId]).toEqual([0, 0]);
      expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 3, lastStableOffset: 3, preferredReadReplica: -1 });
      expect(offsetsOf(responses[0]?.partitions[0]?.records ?? null)).toEqual([1, 2]);
      if (version >= 13) expect(responses[0]?.topicId).toBe(rig.topicId);
      else expect(responses[0]?.topic).toBe("orders");
    },
  );

  test("at the end there are no records, which is none and not null", async () => {
    const rig = await kafkaRig({ batches: 1 });
    for (const isolationLevel of [0, 1]) {
      const [one] = await ask(rig, [{ from: 1 }], 11, { isolationLevel });
      expect(one?.records).toEqual(new Uint8Array(0));
      expect(one?.abortedTransactions).toEqual(isolationLevel === 1 ? [] : null);
    }
  });

  test("the request's order decides who is read when not all may be", async () => {
    const rig = await kafkaRig({ partitions: 3, batches: 2 });
    for (let i = 0; i < 5; i++) {
      const read = await ask(rig, [{ partition: 2 }, { partition: 0 }, { partition: 1 }], 11, { maxBytes: 1 });
      expect(read.map(({ partitionIndex, records }) => [partitionIndex, offsetsOf(records)])).toEqual([
        [2, [0]],
        [0, []],
        [1, []],
      ]);
    }
  });

  test("a partition's own limit bounds it too, but the first batch of the first with records always comes", async () => {
    const rig = await kafkaRig({ partitions: 2, batches: 3 });
    const read = await ask(rig, [{ from: 3 }, { partition: 1, maxBytes: 1 }], 11);
    expect(read.map(({ records }) => offsetsOf(records))).toEqual([[], [0]]);
    const size = read[1]?.records?.length ?? 0;
    const limited = await ask(rig, [{ maxBytes: 2 * size }, { partition: 1, maxBytes: 2 * size - 1 }], 11);
    expect(limited.map(({ records }) => offsetsOf(records))).toEqual([[0, 1], [0]]);
  });

  test("waits until there is enough, over all partitions together", async () => {
    const rig = await kafkaRig({ partitions: 2 });
    const producer = await KafkaClient.connect(rig);
    const batch = batchOf(rig.host, { value: "x".repeat(200) });
    await rig.kafkaClient.send(fetch, 11, fetchOf(rig, [{}, { partition: 1 }], { maxWaitMs: 60_000, minBytes: 2 * batch.length }));
    for (const index of [1, 0]) {
      await rig.host.clock.advance(100);
      await producer.ask(kafka.apis.produce, 7, produceOf([{ index, records: batchOf(rig.host, { value: "x".repeat(200) }) }]));
    }
    const { responses } = await rig.kafkaClient.next(fetch, 11);
    expect(responses[0]?.partitions.map(({ records }) => offsetsOf(records))).toEqual([[0], [0]]);
  });

  test.each<[what: string, wish: Wish, error: keyof typeof errors]>([
    ["an offset above the end", { from: 4 }, "OFFSET_OUT_OF_RANGE"],
    ["an offset below the start", { from: 0 }, "OFFSET_OUT_OF_RANGE"],
    ["a partition that is not there", { partition: 7 }, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["an older epoch", { from: 2, epoch: 0 }, "FENCED_LEADER_EPOCH"],
    ["a newer epoch", { from: 2, epoch: 1_000_000 }, "UNKNOWN_LEADER_EPOCH"],
  ])("%s is answered at once with its error", async (_what, wish, error) => {
    const rig = await kafkaRig({ batches: 3 });
    await rig.kafkaClient.ask(kafka.apis.deleteRecords, 2, {
      topics: [{ name: "orders", partitions: [{ partitionIndex: 0, offset: 1 }] }],
      timeoutMs: 1000,
    });
    const startedMs = rig.host.clock.monotonicMs();
    const [one] = await ask(rig, [wish], 12, { maxWaitMs: 60_000 });
    expect(one).toMatchObject({ errorCode: errors[error].code, highWatermark: -1, records: new Uint8Array(0) });
    expect(rig.host.clock.monotonicMs() - startedMs).toBeLessThan(1000);
  });

  test("an unknown topic is one by name or by id, as it was asked for", async () => {
    const rig = await kafkaRig();
    const topicId = "ffffffffffffffffffffffffffffffff" as Uuid;
    const [byName] = await ask(rig, [{}], 12, { name: "nothing", maxWaitMs: 60_000 });
    expect(byName?.errorCode).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION.code);
    const [byId] = await ask(rig, [{}], 13, { topicId, maxWaitMs: 60_000 });
    expect(byId?.errorCode).toBe(errors.UNKNOWN_TOPIC_ID.code);
  });

  test.each([4, 12, 14, 15, 18])("another broker is not served through this door (version %i)", async (version) => {
    const rig = await kafkaRig({ batches: 1 });
    const request = { ...fetchOf(rig, [{}]), ...(version < 15 ? { replicaId: 2 } : { replicaState: { replicaId: 2, replicaEpoch: 1 } }) };
    const { responses } = await rig.kafkaClient.ask(fetch, version, request);
    expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: errors.INVALID_REQUEST.code, records: new Uint8Array(0) });
  });

  test("a leader elsewhere is named with its epoch, from version 16 on with its address too", async () => {
    const rig = await kafkaRig({ batches: 1 });
    const { controller } = rig;
    controller.commit(
      { case: "broker", value: brokerTwo },
      { case: "partition", value: controller.partition(rig.topicId, 0, { leader: 2, leaderEpoch: 40, replicas: [2], isr: [2] }) },
    );
    await rig.host.clock.advance(50);
    for (const version of [11, 12, 15, 16, 18]) {
      const { responses, nodeEndpoints } = await rig.kafkaClient.ask(fetch, version, fetchOf(rig, [{}], { maxWaitMs: 60_000 }));
      expect(responses[0]?.partitions[0]).toMatchObject({
        errorCode: errors.NOT_LEADER_OR_FOLLOWER.code,
        currentLeader: version < 12 ? { leaderId: -1, leaderEpoch: -1 } : { leaderId: 2, leaderEpoch: 40 },
      });
      expect(nodeEndpoints).toEqual(version < 16 ? [] : [{ nodeId: 2, host: "two.example", port: 9292, rack: null }]);
    }
  });

  test("a fetch that waits for records is not kept from them by what was read for the next one", async () => {
    const rig = await kafkaRig({ partitions: 2, config: { queuedMaxRequestBytes: 1 << 20 } });
    const producer = await KafkaClient.connect(rig);
    const send = (index: number) =>
      producer.ask(kafka.apis.produce, 7, produceOf([{ index, records: batchOf(rig.host, { value: "x".repeat(100_000) }) }]));
    await send(0);
    await rig.kafkaClient.send(fetch, 11, fetchOf(rig, [{ partition: 1 }], { maxWaitMs: 60_000 }));
    await rig.kafkaClient.send(fetch, 11, fetchOf(rig, [{}], { maxWaitMs: 60_000 }));
    await rig.host.clock.advance(100);
    await send(1);
    for (const partition of [1, 0]) {
      const { responses } = await rig.kafkaClient.next(fetch, 11);
      expect(responses[0]?.partitions[0]).toMatchObject({ partitionIndex: partition, errorCode: 0 });
      expect(offsetsOf(responses[0]?.partitions[0]?.records ?? null)).toEqual([0]);
    }
  });

  test("a fetch that waits when the broker stops is answered", async () => {
    const rig = await kafkaRig();
    await rig.kafkaClient.send(fetch, 11, fetchOf(rig, [{}], { maxWaitMs: 300_000 }));
    await rig.host.clock.advance(100);
    const stopped = rig.broker.shutdown();
    const { responses } = await rig.kafkaClient.next(fetch, 11);
    expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, records: new Uint8Array(0) });
    await rig.run(stopped);
  });

  test("a wait ends with its connection", async () => {
    const rig = await kafkaRig();
    await rig.kafkaClient.send(fetch, 11, fetchOf(rig, [{}], { maxWaitMs: 300_000 }));
    await rig.host.clock.advance(100);
    rig.kafkaClient.close();
    await rig.host.clock.advance(100);
    const other = await KafkaClient.connect(rig);
    await other.ask(kafka.apis.produce, 7, produceOf([{ index: 0, records: batchOf(rig.host) }]));
    const gauge = (part: string) => rig.broker.samples().find(({ name }) => name.includes(part))?.values;
    expect(gauge("answer_bytes")).toMatchObject([{ value: 0 }]);
    expect(gauge("kafka_server_socketservermetrics_connection_count")).toMatchObject([{ value: 1 }]);
  });
});

describe("where the client's log parts from this one", () => {
  /** Offsets 0 to 2 are of one epoch, 3 and 4 of a later one. */
  async function twoEpochs(): Promise<{ rig: KafkaRig; first: number; second: number }> {
    const { host, controller, ...before } = await kafkaRig({ batches: 3 });
    const epochNow = (broker: typeof before.broker): number =>
      broker.inspect().image.topic(before.topicId)?.partitions[0]?.leaderEpoch ?? -1;
    const first = epochNow(before.broker);
    await before.run(before.broker.shutdown());
    const again = await startBroker({ host, controller });
    await host.clock.advance(50);
    const rig: KafkaRig = { ...again, topicId: before.topicId, kafkaClient: await KafkaClient.connect(again) };
    for (let i = 0; i < 2; i++) await rig.kafkaClient.ask(kafka.apis.produce, 7, produceOf([{ index: 0, records: batchOf(host) }]));
    return { rig, first, second: epochNow(rig.broker) };
  }

  test("a fetch whose last epoch ended before its offset is told where", async () => {
    const { rig, first, second } = await twoEpochs();
    expect(second).toBeGreaterThan(first);
    const [parted] = await ask(rig, [{ from: 4, lastEpoch: first }], 12, { maxWaitMs: 60_000 });
    expect(parted).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: first, endOffset: 3 }, records: new Uint8Array(0) });
    const [same] = await ask(rig, [{ from: 3, lastEpoch: first }]);
    expect(same).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: -1, endOffset: -1 } });
    expect(offsetsOf(same?.records ?? null)).toEqual([3, 4]);
    const [unknown] = await ask(rig, [{ from: 3, lastEpoch: second + 1 }]);
    expect(unknown?.errorCode).toBe(errors.OFFSET_OUT_OF_RANGE.code);
  });

  test.each([2, 3, 4])("version %i of OffsetForLeaderEpoch tells where an epoch ends", async (version) => {
    const { rig, first, second } = await twoEpochs();
    const asked: [currentLeaderEpoch: number, leaderEpoch: number][] = [
      [-1, first],
      [second, second],
      [-1, second + 1],
      [-1, first - 1],
      [-1, -1],
      [first, first],
      [second + 1, second],
    ];
    const { topics } = await rig.kafkaClient.ask(kafka.apis.offsetForLeaderEpoch, version, {
      replicaId: -1,
      topics: [
        {
          topic: "orders",
          partitions: asked.map(([currentLeaderEpoch, leaderEpoch]) => ({ partition: 0, currentLeaderEpoch, leaderEpoch })),
        },
        { topic: "nothing", partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 1 }] },
      ],
    });
    expect(topics[0]?.partitions).toEqual([
      { partition: 0, errorCode: 0, leaderEpoch: first, endOffset: 3 },
      { partition: 0, errorCode: 0, leaderEpoch: second, endOffset: 5 },
      { partition: 0, errorCode: 0, leaderEpoch: -1, endOffset: -1 },
      { partition: 0, errorCode: 0, leaderEpoch: first - 1, endOffset: 0 },
      { partition: 0, errorCode: 0, leaderEpoch: -1, endOffset: -1 },
      { partition: 0, errorCode: errors.FENCED_LEADER_EPOCH.code, leaderEpoch: -1, endOffset: -1 },
      { partition: 0, errorCode: errors.UNKNOWN_LEADER_EPOCH.code, leaderEpoch: -1, endOffset: -1 },
    ]);
    expect(topics[1]?.partitions[0]?.errorCode).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION.code);
  });
});

test("both doors read the same", async () => {
  const rig = await kafkaRig({ batches: 2 });
  const [byKafka] = await ask(rig, [{}]);
  const client = rig.client();
  await client.startFetch([{ topicId: rig.topicId, partition: 0, from: 0 }]);
  const { partitions } = pb.FetchResponse.decode(await client.next("fetch"));
  expect(partitions[0]?.records).toEqual(new Uint8Array(byKafka?.records ?? []));
});
