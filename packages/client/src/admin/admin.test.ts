import { expect, test } from "vitest";
import { AdminError } from "../errors.ts";
import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";

test("topics are created, listed, described, extended and deleted", async () => {
  await using cluster = await FakeCluster.start();
  const admin = cluster.client().admin();
  const created = await cluster.run(admin.createTopic({ name: "orders", partitions: 2 }));
  expect(created).toMatchObject({ name: "orders", partitions: 2, replicationFactor: 1 });
  await cluster.run(admin.createTopics([{ name: "payments" }, { name: "checked" }], { validateOnly: true }));
  expect(await cluster.run(admin.listTopics())).toEqual(["orders"]);
  await cluster.run(admin.createPartitions("orders", 3));
  const [described] = await cluster.run(admin.describeTopics(["orders"]));
  expect(described?.id).toBe(created.id);
  expect(described?.partitions.map(({ partition, leader, inSyncReplicas }) => [partition, leader, inSyncReplicas])).toEqual(
    [0, 1, 2].map((partition) => [partition, 1, [1]]),
  );
  await cluster.run(admin.deleteTopics(["orders"]));
  expect(await cluster.run(admin.listTopics())).toEqual([]);
});

test("an error names each item that failed, and the others are done", async () => {
  await using cluster = await FakeCluster.start();
  cluster.addTopic("a");
  const admin = cluster.client().admin();
  const error: unknown = await cluster.run(admin.createTopics([{ name: "a" }, { name: "b" }]).catch((reason: unknown) => reason));
  expect(error).toBeInstanceOf(AdminError);
  expect(error).toMatchObject({
    error: "TOPIC_ALREADY_EXISTS",
    message: 'Cannot create topic "a": topic "a" exists [TOPIC_ALREADY_EXISTS]',
    failures: [{ item: 'topic "a"' }],
  });
  expect(await cluster.run(admin.listTopics())).toEqual(["a", "b"]);
  await expect(cluster.run(admin.deleteTopics(["x", "y"]))).rejects.toThrow(
    'Cannot delete topic "x": there is no topic "x" [UNKNOWN_TOPIC_OR_PARTITION]; Cannot delete topic "y"',
  );
});

test("a topic that the controllers do not know is missing at once; one that only this broker may not know yet is waited for", async () => {
  await using cluster = await FakeCluster.start();
  const admin = cluster.client().admin();
  const ask = () => cluster.run(admin.listOffsets([{ topic: "late", partition: 0, at: "latest" }]));
  await expect(ask()).rejects.toThrow('there is no topic "late"');
  expect(cluster.clock.monotonicMs()).toBeLessThan(100);
  cluster.current = false;
  cluster.clock.after(1_000, () => cluster.addTopic("late"));
  expect(await ask()).toMatchObject([{ offset: 0 }]);
});

test("offsets are listed at the beginning, the end, a time and the newest time, from whoever leads", async () => {
  await using cluster = await FakeCluster.start({ brokers: 2 });
  cluster.addTopic("t", 2);
  const client = cluster.client();
  for (let partition = 0; partition < 2; partition++) {
    await cluster.run(
      client.producer().sendAll(
        "t",
        [30, 50, 40].map((timestamp) => ({ value: "x", partition, timestamp })),
      ),
    );
  }
  cluster.move(cluster.partition("t", 0), 2);
  const at = (["earliest", "latest", 45, "max", 99] as const).map((each) => ({ topic: "t", partition: 0, at: each }));
  const listed = await cluster.run(client.admin().listOffsets([...at, { topic: "t", partition: 1, at: "latest" }]));
  expect(listed.map(({ partition, offset, timestamp }) => [partition, offset, timestamp])).toEqual([
    [0, 0, -1],
    [0, 3, -1],
    [0, 1, 50],
    [0, 1, 50],
    [0, -1, -1],
    [1, 3, -1],
  ]);
  await expect(cluster.run(client.admin().listOffsets([{ topic: "t", partition: 7, at: "latest" }]))).rejects.toThrow(
    "Cannot list the offsets of t-7: the topic has partitions 0 to 1 [UNKNOWN_TOPIC_OR_PARTITION]",
  );
});

test("an offset by time in a damaged range is an error within seconds, not at the timeout", async () => {
  await using cluster = await FakeCluster.start();
  cluster.addTopic("t");
  cluster.partition("t").damaged = { from: 0, until: 5 };
  const startedMs = cluster.clock.monotonicMs();
  await expect(
    cluster.run(
      cluster
        .client()
        .admin()
        .listOffsets([{ topic: "t", partition: 0, at: 45 }]),
    ),
  ).rejects.toThrow("Cannot read offsets 0 to 4: 0.log is damaged [KAFKA_STORAGE_ERROR]");
  expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(8_000);
});

test("records are deleted up to an offset, and an offset beyond the end is refused with the range", async () => {
  await using cluster = await FakeCluster.start();
  cluster.addTopic("t");
  const client = cluster.client();
  await cluster.run(client.producer().sendAll("t", [{ value: "a" }, { value: "b" }, { value: "c" }]));
  const admin = client.admin();
  expect(await cluster.run(admin.deleteRecords([{ topic: "t", partition: 0, before: 2 }]))).toEqual([
    { topic: "t", partition: 0, logStartOffset: 2 },
  ]);
  await expect(cluster.run(admin.deleteRecords([{ topic: "t", partition: 0, before: 9 }]))).rejects.toThrow(
    "Cannot delete records of t-0: offset 9 is beyond the end, 3 [OFFSET_OUT_OF_RANGE]",
  );
  expect(await cluster.run(admin.deleteRecords([{ topic: "t", partition: 0, before: "end" }]))).toEqual([
    { topic: "t", partition: 0, logStartOffset: 3 },
  ]);
});

test("a group's offsets are committed, read, reset to a time and deleted with it", async () => {
  await using cluster = await FakeCluster.start();
  cluster.addTopic("t", 2);
  const client = cluster.client();
  await cluster.run(
    client.producer().sendAll(
      "t",
      [10, 20, 30].map((timestamp) => ({ value: "x", partition: 0, timestamp })),
    ),
  );
  const admin = client.admin();
  await cluster.run(admin.commitGroupOffsets("g", [{ topic: "t", partition: 1, offset: 0, metadata: "by hand" }]));
  expect(await cluster.run(admin.fetchGroupOffsets("g"))).toEqual([
    { topic: "t", partition: 1, offset: 0, leaderEpoch: -1, metadata: "by hand", commitTimeMs: 0 },
  ]);
  expect(await cluster.run(admin.resetGroupOffsets("g", ["t"], { timestamp: 15 }))).toEqual([
    { topic: "t", partition: 0, offset: 1 },
    { topic: "t", partition: 1, offset: 0 },
  ]);
  expect((await cluster.run(admin.listGroups())).map(({ group, partitions }) => [group, partitions])).toEqual([["g", 2]]);
  await cluster.run(admin.deleteGroups(["g"]));
  await expect(cluster.run(admin.deleteGroups(["g"]))).rejects.toThrow(
    'Cannot delete group "g": there is no group "g" [GROUP_ID_NOT_FOUND]',
  );
});

test("a call is repeated while its error may pass, and moves on from a broker that says nothing", async () => {
  await using cluster = await FakeCluster.start({ brokers: 2 });
  const admin = cluster.client({ bootstrap: ["broker1:9093", "broker2:9093"] }).admin();
  let count = 0;
  cluster.onCall = () => (["silent", "COORDINATOR_NOT_AVAILABLE", undefined] as const)[count++];
  expect(await cluster.run(admin.listTopics())).toEqual([]);
  expect(count).toBeGreaterThanOrEqual(3);
});

test("a call that nobody answers ends at its timeout and names the brokers tried; a signal ends it at once", async () => {
  await using cluster = await FakeCluster.start();
  const admin = cluster.client({ bootstrap: "broker8:9093" }).admin();
  await expect(cluster.run(admin.listTopics({ timeoutMs: 1_500 }))).rejects.toThrow(
    /^Cannot call metadata within 1500 ms: Cannot connect to broker8:9093: .* Is a broker running at broker8:9093\?$/,
  );
  const controller = new AbortController();
  cluster.clock.after(100, () => controller.abort(new Error("enough")));
  await expect(cluster.run(admin.listTopics({ signal: controller.signal }))).rejects.toThrow("enough");
  await expect(admin.listTopics({ timeoutMs: 0 })).rejects.toThrow(
    "Cannot use timeoutMs: 0: it must be a whole number from 1 to 86400000 ms",
  );
});

test.each([
  [{ bootstrap: [] }, 'Cannot use bootstrap: []: name at least one broker, such as "localhost:9093"'],
  [{ bootstrap: "localhost:99999" }, 'Cannot use bootstrap entry "localhost:99999": it must be host:port with a port from 1 to 65535'],
  [{ bootstrap: "http://localhost" }, 'Cannot use bootstrap entry "http://localhost"'],
  [{ clientId: "a b" }, 'Cannot use clientId: "a b": it must be 1 to 200 visible ASCII characters'],
  [{ requestTimeoutMs: 5 }, "Cannot use requestTimeoutMs: 5: it must be a whole number from 100 to 3600000 ms"],
])("a client refuses %o at once", async (options, message) => {
  await using cluster = await FakeCluster.start();
  expect(() => cluster.client(options)).toThrow(message);
});

test("a closed client says so", async () => {
  await using cluster = await FakeCluster.start();
  const client = cluster.client();
  const admin = client.admin();
  await client.close();
  expect(() => client.producer()).toThrow("Cannot make a producer: this client is closed");
  await expect(admin.listTopics()).rejects.toThrow("Cannot call metadata: this client is closed");
});
