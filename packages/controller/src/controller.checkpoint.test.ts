import { memoryHost, silentLogger, type Logger, type MemoryHost } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { CheckpointDirectory } from "./checkpoint/directory.ts";
import { DIRECTORY, startController, TestBroker } from "./controller.test.kit.ts";
import { newTopic } from "./state/decisions.test.kit.ts";
import { State } from "./state/state.ts";

const config = { controllerLogCheckpointRecords: 14 };
const A = `${DIRECTORY}/checkpoint-a`;
const B = `${DIRECTORY}/checkpoint-b`;

interface Cluster {
  readonly host: MemoryHost;
  readonly topicId: Uint8Array;
}

/** A cluster with a topic, whose group "g" has committed offset 60, two checkpoints, and a log that no longer begins at its first entry. */
async function oldCluster(): Promise<Cluster> {
  const host = memoryHost();
  const { controller, fatal } = await startController(host, { config });
  const broker = new TestBroker(host, controller);
  await broker.join(1);
  await broker.run({ case: "createTopics", value: { topics: [newTopic({ name: "orders", partitions: 3 })], validateOnly: false } });
  const topicId = broker.image.topicByName("orders")?.idBytes ?? new Uint8Array(0);
  for (let offset = 1; offset <= 60; offset++) await broker.run(commit(topicId, offset), { lowestUnanswered: offset });
  await host.clock.advance(100);
  expect(controller.status.firstIndex).toBeGreaterThan(20);
  expect(fatal).toEqual([]);
  broker.close();
  await host.clock.run(controller.close());
  return { host: host.restart(), topicId };
}

function commit(topicId: Uint8Array, offset: number): pb.Command["command"] {
  return { case: "commitOffsets", value: { group: "g", offsets: [{ topicId, partition: 0, offset, leaderEpoch: -1, metadata: "" }] } };
}

function warnings(): { logger: Logger; directories: string[] } {
  const directories: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    child: () => logger,
    warn: (fields) => "directory" in fields && directories.push(String(fields.directory)),
  };
  return { logger, directories };
}

let incarnation = 1;

async function committedOffset(
  { host, topicId }: Cluster,
  logger: Logger = silentLogger,
): Promise<{ offset: number | undefined; fatal: Error[] }> {
  const { controller, fatal } = await startController(host, { config, logger });
  // A controller whose state does not match its log rebuilds it first.
  await host.clock.advance(100);
  const broker = new TestBroker(host, controller);
  await broker.join(++incarnation);
  const { reply } = await broker.run({ case: "fetchOffsets", value: { group: "g", partitions: [{ topicId, partition: 0 }] } });
  broker.close();
  await host.clock.run(controller.close());
  return { offset: reply.case === "fetchOffsets" ? reply.value.offsets[0]?.offset : undefined, fatal };
}

async function newest({ host }: Cluster): Promise<{ newest: string; other: string }> {
  const indexOf = async (path: string): Promise<number> => {
    const directory = new CheckpointDirectory(host, path);
    const { appliedIndex } = await directory.header();
    await directory.close();
    return appliedIndex;
  };
  const [a, b] = await host.clock.run(Promise.all([indexOf(A), indexOf(B)]));
  return a > b ? { newest: A, other: B } : { newest: B, other: A };
}

test("a restart begins from a checkpoint and the log after it", async () => {
  const cluster = await oldCluster();
  expect(await committedOffset(cluster)).toEqual({ offset: 60, fatal: [] });
});

const damages: [name: string, damage: (host: MemoryHost, directory: string) => void][] = [
  ["a flipped bit in a value", (host, directory) => host.stores.flipBit(directory, 3, 40)],
  ["a flipped bit in its header", (host, directory) => host.stores.flipBit(directory, 0, 30)],
  ["an emptied store", (host, directory) => host.stores.empty(directory)],
  ["a lost batch", (host, directory) => host.stores.loseLastBatch(directory)],
];

for (const [name, damage] of damages) {
  test(`the newest checkpoint with ${name} is replaced by the other one and the log`, async () => {
    const cluster = await oldCluster();
    const { newest: damaged } = await newest(cluster);
    damage(cluster.host, damaged);
    const { logger, directories } = warnings();
    expect(await committedOffset(cluster, logger)).toEqual({ offset: 60, fatal: [] });
    // A lost batch leaves an older checkpoint, which is no damage.
    if (name !== "a lost batch") expect(directories).toEqual([damaged]);
  });
}

test("every value of the newest checkpoint is checked", async () => {
  for (let value = 0; value < 8; value++) {
    const cluster = await oldCluster();
    const { newest: damaged } = await newest(cluster);
    cluster.host.stores.flipBit(damaged, value, 12);
    const { logger, directories } = warnings();
    expect(await committedOffset(cluster, logger)).toEqual({ offset: 60, fatal: [] });
    expect(directories, `value ${value}`).toEqual([damaged]);
  }
});

test("a checkpoint that is written while entries are in flight holds what is committed and nothing else", async () => {
  for (let cut = 0; cut < 12; cut++) {
    const host = memoryHost({ seed: cut });
    host.disk.latencyMs = (operation) => (operation === "sync" ? 7 : operation === "store batch" ? 3 : 0);
    const { controller, fatal } = await startController(host, { config });
    const broker = new TestBroker(host, controller);
    await broker.join(1);
    await broker.run({ case: "createTopics", value: { topics: [newTopic({ name: "orders", partitions: 3 })], validateOnly: false } });
    const topicId = broker.image.topicByName("orders")?.idBytes ?? new Uint8Array(0);
    let acknowledged = 0;
    for (let offset = 1; offset <= 120 + 3 * cut; offset++) {
      void broker.send(commit(topicId, offset), { lowestUnanswered: Math.max(0, offset - 50) }).then(() => (acknowledged = offset));
      await host.clock.advance(1);
    }
    expect(acknowledged).toBeGreaterThan(50);
    host.crash({ keep: "random" });
    const { logger, directories } = warnings();
    const { offset, fatal: later } = await committedOffset({ host: host.restart(), topicId }, logger);
    expect(offset).toBeGreaterThanOrEqual(acknowledged);
    expect([directories, fatal, later]).toEqual([[], [], []]);
  }
});

test("a damaged checkpoint is written anew and carries the state when the other one is damaged next", async () => {
  const cluster = await oldCluster();
  const { newest: first, other: second } = await newest(cluster);
  cluster.host.stores.empty(first);
  const { controller } = await startController(cluster.host, { config });
  const broker = new TestBroker(cluster.host, controller);
  await broker.join(++incarnation);
  for (let offset = 61; offset <= 90; offset++) await broker.run(commit(cluster.topicId, offset));
  await cluster.host.clock.advance(100);
  broker.close();
  await cluster.host.clock.run(controller.close());
  const next = { ...cluster, host: cluster.host.restart() };
  next.host.stores.empty(second);
  expect(await committedOffset(next)).toEqual({ offset: 90, fatal: [] });
});

test("with both checkpoints damaged and a trimmed log the controller refuses to start and names both", async () => {
  const { host } = await oldCluster();
  host.stores.empty(A);
  host.stores.flipBit(B, 2, 12);
  const start = startController(host, { config });
  await expect(start).rejects.toThrow(
    /entries are missing.*no checkpoint in \/data\/controller\/checkpoint-a and \/data\/controller\/checkpoint-b can be used: .*it has no header.*is damaged/,
  );
});

test("with both checkpoints removed and a trimmed log the controller refuses to start and names both", async () => {
  const { host } = await oldCluster();
  await host.clock.run(host.stores.remove(A));
  await host.clock.run(host.stores.remove(B));
  await expect(startController(host, { config })).rejects.toThrow(
    /no checkpoint in \/data\/controller\/checkpoint-a and \/data\/controller\/checkpoint-b can be used/,
  );
});

test("before the first checkpoint the log alone gives the state", async () => {
  const host = memoryHost();
  const few = { controllerLogCheckpointRecords: 10_000 };
  const { controller } = await startController(host, { config: few });
  const broker = new TestBroker(host, controller);
  await broker.join(1);
  await broker.run({ case: "createTopics", value: { topics: [newTopic({ name: "orders" })], validateOnly: false } });
  const topicId = broker.image.topicByName("orders")?.idBytes ?? new Uint8Array(0);
  await broker.run(commit(topicId, 5));
  broker.close();
  await host.clock.run(controller.close());
  expect(await committedOffset({ host: host.restart(), topicId })).toEqual({ offset: 5, fatal: [] });
});

/** A checkpoint that verifies, of a state that never was. */
async function falsify(host: MemoryHost, path: string): Promise<void> {
  const directory = new CheckpointDirectory(host, path);
  const { state, appliedIndex, appliedTerm, installed } = await directory.load();
  const facts = [...state.facts()].filter(([, fact]) => fact.case !== "reply");
  const falsified = new State();
  for (const [, fact] of facts) falsified.replay({ record: fact }, []);
  falsified.replay({ record: { case: "feature", value: { name: "never", level: 1 } } }, []);
  await directory.rewrite({ appliedIndex, appliedTerm, installed, digest: falsified.digest, facts: [...falsified.facts()] });
  await directory.close();
}

test("a checkpoint that leads to another state than the log is given up for the other one", async () => {
  const cluster = await oldCluster();
  const { newest: wrong } = await newest(cluster);
  await cluster.host.clock.run(falsify(cluster.host, wrong));
  const { logger, directories } = warnings();
  expect(await committedOffset(cluster, logger)).toEqual({ offset: 60, fatal: [] });
  expect(directories).toEqual([wrong]);
});

test("when the rebuilt state does not match the log either, the process ends and names the entry and both digests", async () => {
  const { host } = await oldCluster();
  await host.clock.run(falsify(host, A));
  await host.clock.run(falsify(host, B));
  const { controller, fatal } = await startController(host, { config });
  await host.clock.advance(1000);
  expect(fatal.map(({ message }) => message)).toEqual([
    expect.stringMatching(
      /^Entry \d+ of the controller's log was decided on a state with digest [0-9a-f]{64}, the state here has digest [0-9a-f]{64}$/,
    ),
  ]);
  await host.clock.run(controller.close());
});

test("a rejected write of a checkpoint ends the process", async () => {
  const host = memoryHost();
  const { controller, fatal } = await startController(host, { config });
  const broker = new TestBroker(host, controller);
  await broker.join(1);
  host.disk.failNext("store batch", "ENOSPC");
  await broker.run({ case: "createTopics", value: { topics: [newTopic({ name: "orders", partitions: 10 })], validateOnly: false } });
  await host.clock.advance(100);
  expect(fatal.map(({ message }) => message)).toEqual([expect.stringContaining("Cannot write a checkpoint of the controller")]);
  broker.close();
});
