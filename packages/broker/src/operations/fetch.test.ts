import { batches, errors, pb, type Uuid } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { type BrokerRig, startBroker, type TestClient } from "../broker.test.kit.ts";
import { batchOf } from "../partition/partition.test.kit.ts";

async function topicWith(
  partitions: number,
  batchesEach: number,
  valueBytes = 1000,
): Promise<{ rig: BrokerRig; client: TestClient; topicId: Uuid; batchBytes: number }> {
  const rig = await startBroker();
  const topicId = rig.controller.createTopic("orders", partitions);
  await rig.host.clock.advance(50);
  const client = rig.client();
  const batch = (): Uint8Array => batchOf(rig.host, { value: "x".repeat(valueBytes) });
  for (let i = 0; i < batchesEach; i++) {
    const outcome = await client.produce(Array.from({ length: partitions }, (_, partition) => ({ topicId, partition, records: batch() })));
    expect(outcome.every(({ errorCode }) => errorCode === 0)).toBe(true);
  }
  return { rig, client, topicId, batchBytes: batch().length };
}

const offsetsOf = (records: Uint8Array): number[] => [...batches(records)].map(({ header }) => header.baseOffset);

describe("fetching", () => {
  test("gives whole batches from the one that holds the offset, with watermark, log start and epoch", async () => {
    const { client, topicId } = await topicWith(1, 3);
    const { partitions } = await client.fetch([{ topicId, partition: 0, from: 1 }]);
    expect(partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 3, lastStableOffset: 3, logStartOffset: 0 });
    expect(offsetsOf(partitions[0]?.records ?? new Uint8Array())).toEqual([1, 2]);
  });

  test("many partitions come in one answer, in the order asked", async () => {
    const { client, topicId } = await topicWith(5, 1);
    const { partitions } = await client.fetch([4, 0, 3].map((partition) => ({ topicId, partition, from: 0 })));
    expect(partitions.map(({ partition, records }) => [partition, offsetsOf(records)])).toEqual([
      [4, [0]],
      [0, [0]],
      [3, [0]],
    ]);
  });

  test("an answer is bounded by its bytes, and one batch comes even when it is larger", async () => {
    const { client, topicId, batchBytes } = await topicWith(3, 4);
    const wishes = [0, 1, 2].map((partition) => ({ topicId, partition, from: 0 }));
    const bytesOf = ({ partitions }: pb.FetchResponse): number => partitions.reduce((sum, { records }) => sum + records.length, 0);
    expect(bytesOf(await client.fetch(wishes, { maxBytes: 1 }))).toBe(batchBytes);
    expect(bytesOf(await client.fetch(wishes, { maxBytes: 5 * batchBytes }))).toBe(5 * batchBytes);
    const each = await client.fetch(wishes.map((wish) => ({ ...wish, maxBytes: 2 * batchBytes })));
    expect(each.partitions.map(({ records }) => records.length)).toEqual([2 * batchBytes, 2 * batchBytes, 2 * batchBytes]);
  });

  test("when the limit lets only one partition through, each has its turn", async () => {
    const { client, topicId } = await topicWith(4, 1);
    const served = new Set<number>();
    for (let i = 0; i < 60; i++) {
      const { partitions } = await client.fetch(
        [0, 1, 2, 3].map((partition) => ({ topicId, partition, from: 0 })),
        { maxBytes: 1 },
      );
      for (const { partition, records } of partitions) if (records.length > 0) served.add(partition);
    }
    expect([...served].sort()).toEqual([0, 1, 2, 3]);
  });

  test("outside of the log is an error that names the valid range, and is answered at once for that partition alone", async () => {
    const { client, topicId, rig } = await topicWith(2, 2);
    const startedMs = rig.host.clock.monotonicMs();
    const { partitions } = await client.fetch(
      [
        { topicId, partition: 0, from: 3 },
        { topicId, partition: 1, from: 2 },
      ],
      { maxWaitMs: 10_000 },
    );
    expect(rig.host.clock.monotonicMs() - startedMs).toBeLessThan(1000);
    expect(partitions[0]).toMatchObject({
      errorCode: errors.OFFSET_OUT_OF_RANGE.code,
      errorMessage: "Offset 3 is outside of partition 0 of topic orders, which holds 0 to 2 (its end)",
    });
    expect(partitions[1]).toMatchObject({ errorCode: 0, highWatermark: 2 });
  });

  test("an epoch other than the leader's is refused", async () => {
    const { client, topicId } = await topicWith(1, 1);
    const { partitions } = await client.fetch([{ topicId, partition: 0, from: 0, leaderEpoch: 1_000_000 }]);
    expect(partitions[0]?.errorCode).toBe(errors.UNKNOWN_LEADER_EPOCH.code);
  });
});

describe("a long poll", () => {
  test("waits for the first record, and is woken by it", async () => {
    const { rig, client, topicId } = await topicWith(2, 1);
    const startedMs = rig.host.clock.monotonicMs();
    await client.startFetch(
      [0, 1].map((partition) => ({ topicId, partition, from: 1 })),
      { maxWaitMs: 60_000 },
    );
    await rig.host.clock.advance(500);
    await rig.client().produce([{ topicId, partition: 1, records: batchOf(rig.host) }]);
    const { partitions } = pb.FetchResponse.decode(await client.next("fetch"));
    expect(partitions.map(({ records }) => offsetsOf(records))).toEqual([[], [1]]);
    expect(rig.host.clock.monotonicMs() - startedMs).toBeLessThan(1000);
  });

  test("ends empty after max_wait_ms", async () => {
    const { rig, client, topicId } = await topicWith(1, 1);
    const startedMs = rig.host.clock.monotonicMs();
    const { partitions } = await client.fetch([{ topicId, partition: 0, from: 1 }], { maxWaitMs: 700 });
    expect(partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1, records: new Uint8Array(0) });
    expect(rig.host.clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(700);
  });

  test("waits until min_bytes are there, over several partitions together", async () => {
    const { rig, client, topicId, batchBytes } = await topicWith(2, 0);
    const producer = rig.client();
    const produce = (partition: number) =>
      producer.produce([{ topicId, partition, records: batchOf(rig.host, { value: "x".repeat(1000) }) }]);
    await client.startFetch(
      [0, 1].map((partition) => ({ topicId, partition, from: 0 })),
      { maxWaitMs: 60_000, minBytes: 3 * batchBytes },
    );
    await produce(0);
    await produce(1);
    await rig.host.clock.advance(1000);
    const startedMs = rig.host.clock.monotonicMs();
    await produce(0);
    const { partitions } = pb.FetchResponse.decode(await client.next("fetch"));
    expect(partitions.map(({ records }) => offsetsOf(records))).toEqual([[0, 1], [0]]);
    expect(rig.host.clock.monotonicMs() - startedMs).toBeLessThan(1000);
  });

  test("many wait at once, and each is answered once", async () => {
    const { rig, topicId } = await topicWith(1, 0);
    const clients = Array.from({ length: 20 }, () => rig.client());
    for (const client of clients)
      for (let i = 0; i < 5; i++) await client.startFetch([{ topicId, partition: 0, from: 0 }], { maxWaitMs: 60_000 });
    await rig.host.clock.advance(10);
    await rig.client().produce([{ topicId, partition: 0, records: batchOf(rig.host) }]);
    for (const client of clients)
      for (let i = 0; i < 5; i++)
        expect(pb.FetchResponse.decode(await client.next("fetch")).partitions[0]?.records.length).toBeGreaterThan(0);
  });

  test("is forgotten when its client goes", async () => {
    const { rig, client, topicId } = await topicWith(1, 0);
    await client.startFetch([{ topicId, partition: 0, from: 0 }], { maxWaitMs: 60_000 });
    await rig.host.clock.advance(10);
    client.stream("fetch").session.close();
    await rig.host.clock.advance(10);
    const sessions = rig.broker.samples().find(({ name }) => name === "ottla_broker_client_sessions");
    expect(sessions?.values[0]).toMatchObject({ value: 0 });
    expect((await rig.client().produce([{ topicId, partition: 0, records: batchOf(rig.host) }]))[0]?.errorCode).toBe(0);
  });

  test("is told when the leader changes", async () => {
    const { rig, client, topicId } = await topicWith(1, 1);
    await client.startFetch([{ topicId, partition: 0, from: 1 }], { maxWaitMs: 60_000 });
    await rig.host.clock.advance(10);
    rig.controller.commit({ case: "partition", value: rig.controller.partition(topicId, 0, { leader: -1, leaderEpoch: 50 }) });
    const { partitions } = pb.FetchResponse.decode(await client.next("fetch"));
    expect(partitions[0]).toMatchObject({ errorCode: errors.NOT_LEADER_OR_FOLLOWER.code, leader: { nodeId: -1, leaderEpoch: 50 } });
  });
});

test("a hundred fetches that wait on one stream warn of no leak", async () => {
  const warnings: string[] = [];
  const listen = (warning: Error): void => void warnings.push(warning.name);
  process.on("warning", listen);
  const { rig, client, topicId } = await topicWith(1, 0);
  for (let i = 0; i < 100; i++) await client.startFetch([{ topicId, partition: 0, from: 0 }], { maxWaitMs: 1000 });
  for (let i = 0; i < 100; i++) await client.next("fetch");
  await rig.run(rig.broker.shutdown());
  process.off("warning", listen);
  expect(warnings).toEqual([]);
});

describe("a leader that does not know yet what is committed", () => {
  /** Restarted with records that only a second replica, which never comes, can commit. */
  async function restarted(): Promise<{ rig: BrokerRig; topicId: Uuid; commitAlone: () => void }> {
    const { rig, topicId } = await topicWith(1, 3);
    const { controller, host } = rig;
    controller.commit({ case: "partition", value: controller.partition(topicId, 0, { replicas: [1, 2], isr: [1, 2] }) });
    await rig.run(rig.broker.shutdown());
    const again = await startBroker({ host, controller });
    await host.clock.advance(50);
    const commitAlone = (): void => {
      const leaderEpoch = again.broker.inspect().image.topic(topicId)?.partitions[0]?.leaderEpoch ?? -1;
      controller.commit({ case: "partition", value: controller.partition(topicId, 0, { leaderEpoch, partitionEpoch: 9 }) });
    };
    return { rig: again, topicId, commitAlone };
  }

  test("lets a fetch wait, and answers it once it knows", async () => {
    const { rig, topicId, commitAlone } = await restarted();
    const client = rig.client();
    await client.startFetch([{ topicId, partition: 0, from: 0 }], { maxWaitMs: 60_000, minBytes: 1 });
    await rig.host.clock.advance(1000);
    commitAlone();
    const { partitions } = pb.FetchResponse.decode(await client.next("fetch"));
    expect(partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 3 });
    expect(offsetsOf(partitions[0]?.records ?? new Uint8Array())).toEqual([0, 1, 2]);
  });

  test("says so when the time of the fetch is over", async () => {
    const { rig, topicId } = await restarted();
    const startedMs = rig.host.clock.monotonicMs();
    const { partitions } = await rig.client().fetch([{ topicId, partition: 0, from: 0 }], { maxWaitMs: 300 });
    expect(partitions[0]).toMatchObject({ errorCode: errors.OFFSET_NOT_AVAILABLE.code, highWatermark: -1 });
    expect(rig.host.clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(300);
  });
});
