import { errors, kafka } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { startBroker } from "../../../broker.test.kit.ts";
import { batchOf } from "../../../partition/partition.test.kit.ts";
import { KafkaClient, type KafkaRig, kafkaRig, produceOf } from "./kafka-client.test.kit.ts";

const { listOffsets, deleteRecords, initProducerId, describeProducers } = kafka.apis;

async function list(rig: KafkaRig, timestamps: readonly number[], version = 10, epoch = -1, isolationLevel = 0) {
  const found = [];
  for (const timestamp of timestamps) {
    const { topics } = await rig.kafkaClient.ask(listOffsets, version, {
      replicaId: -1,
      isolationLevel,
      topics: [{ name: "orders", partitions: [{ partitionIndex: 0, currentLeaderEpoch: epoch, timestamp }] }],
    });
    const one = topics[0]?.partitions[0];
    found.push([one?.errorCode, one?.offset, one?.timestamp]);
  }
  return found;
}

const produceAt = async (rig: KafkaRig, timestamp: number, count = 1): Promise<void> => {
  const answer = await rig.kafkaClient.ask(
    kafka.apis.produce,
    7,
    produceOf([{ index: 0, records: batchOf(rig.host, { timestamp, count }) }]),
  );
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
};

async function deleteTo(rig: KafkaRig, offset: number, version = 2) {
  const { topics } = await rig.kafkaClient.ask(deleteRecords, version, {
    topics: [{ name: "orders", partitions: [{ partitionIndex: 0, offset }] }],
    timeoutMs: 1000,
  });
  return topics[0]?.partitions[0];
}

describe("offsets by time", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
    "version %i finds the first record at or after a time, latest and earliest",
    async (version) => {
      const rig = await kafkaRig();
      await produceAt(rig, 1000, 3);
      await produceAt(rig, 2000, 2);
      expect(await list(rig, [-2, -1, 0, 1000, 1001, 1003, 2001, 2002], version)).toEqual([
        [0, 0, -1],
        [0, 5, -1],
        [0, 0, 1000],
        [0, 0, 1000],
        [0, 1, 1001],
        [0, 3, 2000],
        [0, 4, 2001],
        [0, -1, -1],
      ]);
    },
  );

  test("the highest timestamp, what is here, and what is elsewhere", async () => {
    const rig = await kafkaRig();
    await produceAt(rig, 3000, 2);
    await produceAt(rig, 2000, 2);
    await deleteTo(rig, 1);
    expect(await list(rig, [-1, -2, -3, -4, -5])).toEqual([
      [0, 4, -1],
      [0, 1, -1],
      [0, 1, 3001],
      [0, 1, -1],
      [0, -1, -1],
    ]);
    expect(await list(rig, [-1], 10, -1, 1)).toEqual([[0, 4, -1]]);
  });

  test.each([
    [-3, 6, 7],
    [-4, 7, 8],
    [-5, 8, 9],
    [-6, 10, Infinity],
  ])("%i is not known to version %i", async (timestamp, before, from) => {
    const rig = await kafkaRig({ batches: 1 });
    expect(await list(rig, [timestamp], before)).toEqual([[errors.UNSUPPORTED_VERSION.code, -1, -1]]);
    if (from < Infinity) expect((await list(rig, [timestamp], from))[0]?.[0]).toBe(0);
  });

  test("epochs are checked, unknown partitions named, and a partition is asked for once", async () => {
    const rig = await kafkaRig({ batches: 1 });
    expect((await list(rig, [-1], 4, 0))[0]?.[0]).toBe(errors.FENCED_LEADER_EPOCH.code);
    expect((await list(rig, [-1], 4, 1_000_000))[0]?.[0]).toBe(errors.UNKNOWN_LEADER_EPOCH.code);
    const ask = (partitionIndex: number) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp: -1 });
    const { topics } = await rig.kafkaClient.ask(listOffsets, 7, {
      replicaId: -1,
      topics: [
        { name: "orders", partitions: [ask(0), ask(5), ask(0)] },
        { name: "nothing", partitions: [ask(0)] },
      ],
    });
    expect(topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode))).toEqual([
      [errors.INVALID_REQUEST.code, errors.UNKNOWN_TOPIC_OR_PARTITION.code, errors.INVALID_REQUEST.code],
      [errors.UNKNOWN_TOPIC_OR_PARTITION.code],
    ]);
  });
});

test("a request may be about a hundred thousand partitions, of which others notice little, and no more", async () => {
  const rig = await kafkaRig();
  const ask = (count: number) => ({
    replicaId: -1,
    topics: [
      {
        name: "orders",
        partitions: Array.from({ length: count }, (_, i) => ({ partitionIndex: i + 1, currentLeaderEpoch: -1, timestamp: -1 })),
      },
    ],
  });
  const { topics } = await rig.kafkaClient.ask(listOffsets, 4, ask(100_000));
  expect(topics[0]?.partitions.every(({ errorCode }) => errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION.code)).toBe(true);
  expect(topics[0]?.partitions).toHaveLength(100_000);
  await rig.kafkaClient.send(listOffsets, 4, ask(100_001));
  await rig.kafkaClient.closed();
});

describe("deleting records", () => {
  test.each([0, 1, 2])("version %i moves the start of the log, and not beyond the high watermark", async (version) => {
    const rig = await kafkaRig({ batches: 3 });
    expect(await deleteTo(rig, 2, version)).toEqual({ partitionIndex: 0, lowWatermark: 2, errorCode: 0 });
    expect(await deleteTo(rig, 4, version)).toEqual({ partitionIndex: 0, lowWatermark: -1, errorCode: errors.OFFSET_OUT_OF_RANGE.code });
    expect(await deleteTo(rig, 1, version)).toEqual({ partitionIndex: 0, lowWatermark: 2, errorCode: 0 });
    expect(await deleteTo(rig, -1, version)).toEqual({ partitionIndex: 0, lowWatermark: 3, errorCode: 0 });
    for (const offset of [-2, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER])
      expect(await deleteTo(rig, offset, version)).toMatchObject({ errorCode: errors.OFFSET_OUT_OF_RANGE.code });
  });

  test("of what is not there is an error", async () => {
    const rig = await kafkaRig();
    const { topics } = await rig.kafkaClient.ask(deleteRecords, 2, {
      topics: [
        { name: "orders", partitions: [{ partitionIndex: 1, offset: 0 }] },
        { name: "nothing", partitions: [{ partitionIndex: 0, offset: 0 }] },
      ],
      timeoutMs: 1000,
    });
    const error = errors.UNKNOWN_TOPIC_OR_PARTITION.code;
    expect(topics.map(({ partitions }) => partitions[0]?.errorCode)).toEqual([error, error]);
  });
});

describe("idempotent producers", () => {
  test.each([0, 1, 2, 3, 4])("version %i gives each an id that nobody had", async (version) => {
    const rig = await kafkaRig();
    const ids = [];
    for (let i = 0; i < 3; i++) {
      const answer = await rig.kafkaClient.ask(initProducerId, version, {
        transactionalId: null,
        transactionTimeoutMs: 0,
        producerId: 7,
        producerEpoch: 3,
      });
      expect(answer).toMatchObject({ errorCode: 0, producerEpoch: 0 });
      ids.push(answer.producerId);
    }
    expect(new Set(ids).size).toBe(3);
    expect(ids).not.toContain(7);
  });

  test.each(["", "payments"])('a transactional id ("%s") is refused', async (transactionalId) => {
    const rig = await kafkaRig();
    const answer = await rig.kafkaClient.ask(initProducerId, 4, { transactionalId, transactionTimeoutMs: 1000 });
    expect(answer).toMatchObject({ errorCode: errors.INVALID_REQUEST.code, producerId: -1, producerEpoch: -1 });
  });

  test("while no controller answers, the client is told to ask again", async () => {
    const rig = await kafkaRig();
    rig.controller.ignored.add("allocateProducerIds");
    const answer = await rig.kafkaClient.ask(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 });
    expect(answer.errorCode).toBe(errors.COORDINATOR_LOAD_IN_PROGRESS.code);
  });

  test("those of a partition are described, also after a restart", async () => {
    const { host, controller, topicId, ...before } = await kafkaRig();
    const rig: KafkaRig = { host, controller, topicId, ...before };
    const send = (batch: { producerId: number; sequence: number; epoch?: number; count?: number }) =>
      rig.kafkaClient.ask(kafka.apis.produce, 7, produceOf([{ index: 0, records: batchOf(host, batch) }]));
    await send({ producerId: 5, sequence: 0, count: 3 });
    await send({ producerId: 5, sequence: 3 });
    await send({ producerId: 6, sequence: 0, epoch: 2 });
    const lastTimestamp = host.clock.wallMs();
    const describeAll = async (client: KafkaClient) => {
      const { topics } = await client.ask(describeProducers, 0, { topics: [{ name: "orders", partitionIndexes: [0, 3, 0] }] });
      return topics[0]?.partitions;
    };
    const known = (producerId: number, producerEpoch: number, lastSequence: number) => ({
      producerId,
      producerEpoch,
      lastSequence,
      lastTimestamp: expect.any(Number),
      coordinatorEpoch: -1,
      currentTxnStartOffset: -1,
    });
    const described = await describeAll(rig.kafkaClient);
    expect(described).toMatchObject([
      { partitionIndex: 0, errorCode: 0, errorMessage: null, activeProducers: [known(5, 0, 3), known(6, 2, 0)] },
      { partitionIndex: 3, errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION.code, activeProducers: [] },
      { partitionIndex: 0, errorCode: errors.INVALID_REQUEST.code, activeProducers: [] },
    ]);
    expect(
      described?.[0]?.activeProducers.every((one) => one.lastTimestamp <= lastTimestamp && one.lastTimestamp > lastTimestamp - 5000),
    ).toBe(true);
    await rig.run(rig.broker.shutdown());
    const again = await startBroker({ host, controller });
    await host.clock.advance(50);
    expect((await describeAll(await KafkaClient.connect(again)))?.[0]).toMatchObject({ activeProducers: [known(5, 0, 3), known(6, 2, 0)] });
  });
});
