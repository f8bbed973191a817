import { memoryHost } from "@ottla/host";
import { batches, errors, kafka, type Uuid } from "@ottla/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchOf } from "../../../partition/partition.test.kit.ts";
import { WantedPartition } from "./fetch-session.ts";
import { FetchSessions } from "./fetch-sessions.ts";
import { KafkaClient, type KafkaRig, kafkaRig, produceOf } from "./kafka-client.test.kit.ts";

const { fetch } = kafka.apis;

interface Ask {
  readonly id?: number;
  readonly epoch: number;
  /** Partition numbers, each from the end that two batches make. */
  readonly partitions?: readonly number[];
  readonly from?: number;
  readonly forget?: readonly number[];
  readonly maxBytes?: number;
  readonly maxWaitMs?: number;
}

function requestOf(rig: KafkaRig, { id = 0, epoch, partitions = [], from = 2, forget = [], maxBytes = 1 << 20, maxWaitMs = 0 }: Ask) {
  const { topicId } = rig;
  return {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    sessionId: id,
    sessionEpoch: epoch,
    topics:
      partitions.length === 0
        ? []
        : [
            {
              topic: "orders",
              topicId,
              partitions: partitions.map((partition) => ({ partition, fetchOffset: from, partitionMaxBytes: 1 << 20 })),
            },
          ],
    forgottenTopicsData: forget.length === 0 ? [] : [{ topic: "orders", topicId, partitions: forget }],
    rackId: "",
  };
}

interface Told {
  readonly errorCode: number;
  readonly sessionId: number;
  readonly partitions: readonly number[];
}

async function ask(rig: KafkaRig, asked: Ask, version = 12, client = rig.kafkaClient): Promise<Told> {
  const { errorCode, sessionId, responses } = await client.ask(fetch, version, requestOf(rig, asked));
  return {
    errorCode,
    sessionId,
    partitions: responses.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex)),
  };
}

const produce = (rig: KafkaRig, index: number) =>
  rig.kafkaClient.ask(kafka.apis.produce, 7, produceOf([{ index, records: batchOf(rig.host) }]));

describe.each([12, 17])("a fetch session (version %i)", (version) => {
  test("is begun by a full fetch, and afterwards only what is new is asked and told", async () => {
    const rig = await kafkaRig({ partitions: 3, batches: 2 });
    const begun = await ask(rig, { epoch: 0, partitions: [0, 1, 2] }, version);
    expect(begun).toMatchObject({ errorCode: 0, partitions: [0, 1, 2] });
    expect(begun.sessionId).toBeGreaterThan(0);
    const id = begun.sessionId;
    expect(await ask(rig, { id, epoch: 1 }, version)).toEqual({ errorCode: 0, sessionId: id, partitions: [] });
    await produce(rig, 1);
    expect((await ask(rig, { id, epoch: 2 }, version)).partitions).toEqual([1]);
    // It is told again as long as the client does not say that it has gone on.
    expect((await ask(rig, { id, epoch: 3 }, version)).partitions).toEqual([1]);
    expect((await ask(rig, { id, epoch: 4, partitions: [1], from: 3 }, version)).partitions).toEqual([]);
  });

  test("forgets and takes up partitions", async () => {
    const rig = await kafkaRig({ partitions: 3, batches: 2 });
    const { sessionId: id } = await ask(rig, { epoch: 0, partitions: [0, 1] }, version);
    expect((await ask(rig, { id, epoch: 1, partitions: [2], forget: [0] }, version)).partitions).toEqual([2]);
    for (const index of [0, 1, 2]) await produce(rig, index);
    expect((await ask(rig, { id, epoch: 2 }, version)).partitions).toEqual([1, 2]);
  });

  test("that forgets all its partitions is over", async () => {
    const rig = await kafkaRig({ partitions: 2, batches: 2 });
    const { sessionId: id } = await ask(rig, { epoch: 0, partitions: [0, 1] }, version);
    expect(await ask(rig, { id, epoch: 1, forget: [0, 1] }, version)).toEqual({ errorCode: 0, sessionId: 0, partitions: [] });
    expect((await ask(rig, { id, epoch: 2 }, version)).errorCode).toBe(errors.FETCH_SESSION_ID_NOT_FOUND.code);
  });

  test("refuses an epoch out of turn, and goes on with the right one", async () => {
    const rig = await kafkaRig({ batches: 2 });
    const { sessionId: id } = await ask(rig, { epoch: 0, partitions: [0] }, version);
    for (const epoch of [2, 7]) {
      const refused = await ask(rig, { id, epoch }, version);
      expect(refused).toEqual({ errorCode: errors.INVALID_FETCH_SESSION_EPOCH.code, sessionId: 0, partitions: [] });
    }
    expect(await ask(rig, { id, epoch: 1 }, version)).toMatchObject({ errorCode: 0, sessionId: id });
  });

  test("is ended by its client, with a last full fetch", async () => {
    const rig = await kafkaRig({ batches: 2 });
    const { sessionId: id } = await ask(rig, { epoch: 0, partitions: [0] }, version);
    expect(await ask(rig, { id, epoch: -1, partitions: [0] }, version)).toEqual({ errorCode: 0, sessionId: 0, partitions: [0] });
    expect((await ask(rig, { id, epoch: 1 }, version)).errorCode).toBe(errors.FETCH_SESSION_ID_NOT_FOUND.code);
  });

  test("gives way to the new one that its client begins", async () => {
    const rig = await kafkaRig({ batches: 2 });
    const { sessionId: id } = await ask(rig, { epoch: 0, partitions: [0] }, version);
    const { sessionId: next } = await ask(rig, { id, epoch: 0, partitions: [0] }, version);
    expect(next).not.toBe(id);
    expect((await ask(rig, { id, epoch: 1 }, version)).errorCode).toBe(errors.FETCH_SESSION_ID_NOT_FOUND.code);
    expect((await ask(rig, { id: next, epoch: 1 }, version)).errorCode).toBe(0);
  });
});

describe("a fetch session", () => {
  test("is not tied to a connection", async () => {
    const rig = await kafkaRig({ batches: 2 });
    const { sessionId: id } = await ask(rig, { epoch: 0, partitions: [0] });
    rig.kafkaClient.close();
    expect((await ask(rig, { id, epoch: 1 }, 12, await KafkaClient.connect(rig))).errorCode).toBe(0);
  });

  test("begun by names does not go on by ids, nor the other way", async () => {
    const rig = await kafkaRig({ batches: 2 });
    for (const [begin, goOn] of [
      [12, 13],
      [13, 12],
    ] as const) {
      const { sessionId: id } = await ask(rig, { epoch: 0, partitions: [0] }, begin);
      expect((await ask(rig, { id, epoch: 1 }, goOn)).errorCode).toBe(errors.FETCH_SESSION_TOPIC_ID_ERROR.code);
    }
  });

  test("serves each partition in turn when the limit lets one through", async () => {
    const rig = await kafkaRig({ partitions: 3, batches: 2 });
    const { sessionId: id } = await ask(rig, { epoch: 0, partitions: [0, 1, 2] });
    for (const index of [0, 1, 2]) await produce(rig, index);
    const served: (readonly number[])[] = [];
    // The high watermarks are told first.
    await ask(rig, { id, epoch: 1, maxBytes: 1 });
    for (let epoch = 2; epoch < 8; epoch++) served.push((await ask(rig, { id, epoch, maxBytes: 1 })).partitions);
    expect(served).toEqual([[1], [2], [0], [1], [2], [0]]);
  });

  test("tells an error each time, and afterwards the partition again", async () => {
    const rig = await kafkaRig({ partitions: 2, batches: 2 });
    const { sessionId: id } = await ask(rig, { epoch: 0, partitions: [0, 1] });
    const led = (leader: number, leaderEpoch: number): void =>
      void rig.controller.commit({ case: "partition", value: rig.controller.partition(rig.topicId, 0, { leader, leaderEpoch }) });
    led(-1, 50);
    await rig.host.clock.advance(50);
    expect((await ask(rig, { id, epoch: 1 })).partitions).toEqual([0]);
    expect((await ask(rig, { id, epoch: 2 })).partitions).toEqual([0]);
    led(1, 51);
    await rig.host.clock.advance(50);
    expect((await ask(rig, { id, epoch: 3 })).partitions).toEqual([0]);
    expect((await ask(rig, { id, epoch: 4 })).partitions).toEqual([]);
  });

  test("answers a request that another one has overtaken with an error", async () => {
    const rig = await kafkaRig({ batches: 2 });
    const { sessionId: id } = await ask(rig, { epoch: 0, partitions: [0] });
    await rig.kafkaClient.send(fetch, 12, requestOf(rig, { id, epoch: 1, maxWaitMs: 500 }));
    await rig.kafkaClient.send(fetch, 12, requestOf(rig, { id, epoch: 2 }));
    expect((await rig.kafkaClient.next(fetch, 12)).errorCode).toBe(errors.INVALID_FETCH_SESSION_EPOCH.code);
    expect((await rig.kafkaClient.next(fetch, 12)).errorCode).toBe(0);
    expect((await ask(rig, { id, epoch: 3 })).errorCode).toBe(0);
  });

  test("remembers no name that no topic can have", async () => {
    const rig = await kafkaRig({ batches: 2 });
    const named = (length: number, id: number, epoch: number) => {
      const { topics, ...rest } = requestOf(rig, { id, epoch, partitions: [0] });
      return rig.kafkaClient.ask(fetch, 12, { ...rest, topics: topics.map((each) => ({ ...each, topic: "x".repeat(length) })) });
    };
    expect((await named(250, 0, 0)).sessionId).toBe(0);
    const { sessionId } = await named(249, 0, 0);
    expect(sessionId).toBeGreaterThan(0);
    expect((await named(249, sessionId, 1)).errorCode).toBe(0);
    expect((await named(250, sessionId, 2)).errorCode).toBe(errors.FETCH_SESSION_ID_NOT_FOUND.code);
    expect((await named(249, sessionId, 2)).errorCode).toBe(errors.FETCH_SESSION_ID_NOT_FOUND.code);
  });

  test("there is none where the configuration allows none", async () => {
    const rig = await kafkaRig({ batches: 2, config: { maxIncrementalFetchSessionCacheSlots: 0 } });
    expect(await ask(rig, { epoch: 0, partitions: [0] })).toEqual({ errorCode: 0, sessionId: 0, partitions: [0] });
  });

  test("there are as many as the configuration allows, and the next client gets none", async () => {
    const rig = await kafkaRig({ batches: 2, config: { maxIncrementalFetchSessionCacheSlots: 2 } });
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await ask(rig, { epoch: 0, partitions: [0] })).sessionId);
    expect(ids.map((id) => id > 0)).toEqual([true, true, false]);
  });
});

test("whatever a client does, a session tells it what full fetches would", async () => {
  type Step = { kind: "produce" | "take" | "drop" | "read"; partition: number };
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom<Step["kind"]>("produce", "produce", "take", "drop", "read", "read"),
    partition: fc.nat(3),
  });
  const rig = await kafkaRig({ partitions: 4 });
  const row = (partition: number, fetchOffset: number) => ({ partition, fetchOffset, partitionMaxBytes: 250 });
  const request = (
    sessionId: number,
    sessionEpoch: number,
    rows: readonly ReturnType<typeof row>[],
    forgotten: readonly number[],
    maxBytes: number,
  ) => ({
    ...requestOf(rig, { id: sessionId, epoch: sessionEpoch, forget: forgotten, maxBytes }),
    topics: rows.length === 0 ? [] : [{ topic: "orders", topicId: rig.topicId, partitions: rows }],
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      /** What the client wants, from where, and what it was told last. */
      const wanted = new Map([[0, 0]]);
      const told = new Map<number, number>();
      const changed = new Set<number>();
      const forgotten = new Set<number>();
      const { sessionId } = await rig.kafkaClient.ask(fetch, 12, request(0, 0, [row(0, 0)], [], 1 << 20));
      let epoch = 1;
      for (const { kind, partition } of steps) {
        if (kind === "produce") await produce(rig, partition);
        else if (kind === "take" && !wanted.has(partition)) {
          wanted.set(partition, 0);
          changed.add(partition);
          forgotten.delete(partition);
        } else if (kind === "drop" && wanted.size > 1 && wanted.delete(partition)) {
          told.delete(partition);
          changed.delete(partition);
          forgotten.add(partition);
        }
        if (kind !== "read") continue;
        const rows = [...changed].map((each) => row(each, wanted.get(each) ?? 0));
        const answer = await rig.kafkaClient.ask(fetch, 12, request(sessionId, epoch++, rows, [...forgotten], 1 << 20));
        changed.clear();
        forgotten.clear();
        const full = await rig.kafkaClient.ask(
          fetch,
          12,
          request(
            0,
            -1,
            [...wanted].map(([each, from]) => row(each, from)),
            [],
            1 << 20,
          ),
        );
        const incremental = new Map(answer.responses.flatMap(({ partitions }) => partitions.map((one) => [one.partitionIndex, one])));
        for (const one of full.responses.flatMap(({ partitions }) => partitions)) {
          const news = incremental.get(one.partitionIndex);
          incremental.delete(one.partitionIndex);
          if (news !== undefined) told.set(one.partitionIndex, news.highWatermark);
          expect(told.get(one.partitionIndex) ?? 0).toBe(one.highWatermark);
          expect(news?.records ?? new Uint8Array(0)).toEqual(one.records);
          const records = [...batches(one.records ?? new Uint8Array(0))];
          const next = records.at(-1)?.header.lastOffset;
          if (next === undefined) continue;
          wanted.set(one.partitionIndex, next + 1);
          changed.add(one.partitionIndex);
        }
        expect([...incremental.keys()]).toEqual([]);
      }
      await rig.kafkaClient.ask(fetch, 12, request(sessionId, -1, [], [], 1));
    }),
    { numRuns: 30 },
  );
});

describe("the room for fetch sessions", () => {
  const topicId = "0000000000000000000000000000000a" as Uuid;
  const wanted = (count: number): WantedPartition[] =>
    Array.from({ length: count }, (_, partition) => {
      const asked = { partition, fetchOffset: 0, partitionMaxBytes: 1, currentLeaderEpoch: -1, lastFetchedEpoch: -1, logStartOffset: -1 };
      return new WantedPartition("orders", topicId, { ...asked, replicaDirectoryId: topicId, highWatermark: 0 });
    });
  const make = (slots: number, partitionsMax = 1000) => {
    const { clock, random } = memoryHost();
    return { clock, sessions: new FetchSessions({ clock, random, slots, partitionsMax }) };
  };

  test("one unused for two minutes gives way to any other, and not sooner", async () => {
    const { clock, sessions } = make(2);
    const first = sessions.create(true, wanted(5));
    await clock.advance(60_000);
    const second = sessions.create(true, wanted(5));
    await clock.advance(60_000);
    expect(sessions.create(true, wanted(1))).toBe(0);
    await clock.advance(1);
    const third = sessions.create(true, wanted(1));
    expect([first, second, third].map((id) => sessions.get(id) !== undefined)).toEqual([false, true, true]);
  });

  test("an old one in use gives way only to one with more partitions, the smallest first", async () => {
    const { clock, sessions } = make(2);
    const [large, small] = [sessions.create(true, wanted(5)), sessions.create(true, wanted(3))];
    const use = (): void => {
      for (const id of [large, small]) {
        const session = sessions.get(id);
        if (session !== undefined) sessions.use(session, () => {});
      }
    };
    for (const ms of [60_000, 60_000]) {
      await clock.advance(ms);
      use();
    }
    expect(sessions.create(true, wanted(9))).toBe(0);
    await clock.advance(1);
    expect(sessions.create(true, wanted(3))).toBe(0);
    expect(sessions.create(true, wanted(4))).toBeGreaterThan(0);
    expect([large, small].map((id) => sessions.get(id) !== undefined)).toEqual([true, false]);
  });

  test("all together hold a bounded number of partitions", () => {
    const { sessions } = make(10, 6);
    const first = sessions.create(true, wanted(5));
    expect(sessions.create(true, wanted(2))).toBe(0);
    const second = sessions.create(true, wanted(1));
    expect(second).toBeGreaterThan(0);
    sessions.remove(second);
    const session = sessions.get(first);
    if (session === undefined) throw new Error("the session is gone");
    const grow = (from: number, count: number): boolean =>
      sessions.use(session, () =>
        session.update(
          [
            {
              topic: "orders",
              topicId,
              partitions: Array.from({ length: count }, (_, i) => ({
                partition: from + i,
                fetchOffset: 0,
                partitionMaxBytes: 1,
                currentLeaderEpoch: -1,
                lastFetchedEpoch: -1,
                logStartOffset: -1,
                replicaDirectoryId: topicId,
                highWatermark: 0,
              })),
            },
          ],
          [],
          () => topicId,
        ),
      );
    expect(grow(10, 1)).toBe(true);
    expect(grow(20, 1)).toBe(false);
    expect(sessions.get(first)).toBeUndefined();
    expect(sessions.create(true, wanted(6))).toBeGreaterThan(0);
  });
});
