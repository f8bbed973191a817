import { memoryHost, type MemoryHost } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { startController, TestBroker } from "./controller.test.kit.ts";
import { newTopic } from "./state/decisions.test.kit.ts";

/** Small, so that a short load passes through several checkpoints of either directory. */
const config = { controllerLogCheckpointRecords: 6 };

/** What a cluster's clients were told, and what they asked last without an answer. */
interface Told {
  readonly topics: Map<string, string>;
  readonly deleted: Set<string>;
  readonly offsets: Map<string, number>;
  pending: string | null;
}

/** Commands as the clients of a small cluster would give them, each after the answer to the one before. */
async function load(broker: TestBroker, told: Told): Promise<void> {
  const ask = async (what: string, command: pb.Command["command"]): Promise<pb.CommandReply> => {
    told.pending = what;
    const reply = await broker.run(command);
    expect(reply.errorMessage).toBe("");
    told.pending = null;
    return reply;
  };
  await broker.join(1);
  for (const name of ["a", "b", "c"]) {
    const { reply } = await ask(`create ${name}`, {
      case: "createTopics",
      value: { topics: [newTopic({ name, partitions: 2 })], validateOnly: false },
    });
    if (reply.case === "createTopics") told.topics.set(name, Buffer.from(reply.value.topics[0]?.topicId ?? []).toString("hex"));
  }
  for (let offset = 1; offset <= 4; offset++) {
    for (const name of ["a", "b"]) {
      await ask(`commit ${name} ${offset}`, commit(told, name, offset));
      told.offsets.set(name, offset);
    }
  }
  await ask("delete b", { case: "deleteTopics", value: { names: ["b"], topicIds: [] } });
  told.topics.delete("b");
  told.offsets.delete("b");
  told.deleted.add("b");
  await ask("alter a", {
    case: "alterConfigs",
    value: { resources: [{ type: 2, name: "a", changes: [{ name: "retention.ms", operation: 0, value: "1000" }] }], validateOnly: false },
  });
  for (let offset = 5; offset <= 8; offset++) {
    await ask(`commit a ${offset}`, commit(told, "a", offset));
    told.offsets.set("a", offset);
  }
}

function commit(told: Told, name: string, offset: number): pb.Command["command"] {
  const topicId = new Uint8Array(Buffer.from(told.topics.get(name) ?? "", "hex"));
  return { case: "commitOffsets", value: { group: "g", offsets: [{ topicId, partition: 0, offset, leaderEpoch: -1, metadata: "" }] } };
}

async function check(host: MemoryHost, told: Told, incarnation: number): Promise<void> {
  const { controller, fatal } = await startController(host, { config });
  const broker = new TestBroker(host, controller);
  await broker.join(incarnation);
  for (const [name, id] of told.topics) {
    if (told.pending === `delete ${name}`) continue;
    expect(Buffer.from(broker.image.topicByName(name)?.idBytes ?? []).toString("hex"), name).toBe(id);
    expect(broker.image.topicByName(name)?.partitions.length).toBe(2);
  }
  for (const name of told.deleted) expect(broker.image.topicByName(name)).toBeUndefined();
  const { reply } = await broker.run({ case: "fetchOffsets", value: { group: "g", partitions: [] } });
  if (reply.case !== "fetchOffsets") throw new Error("the fetch was refused");
  const found = new Map(reply.value.offsets.map(({ topicId, offset }) => [Buffer.from(topicId).toString("hex"), offset]));
  for (const [name, offset] of told.offsets) {
    if (told.pending === `delete ${name}`) continue;
    const possible = told.pending === `commit ${name} ${offset + 1}` ? [offset, offset + 1] : [offset];
    expect(possible, `${name}, while "${told.pending}" was asked`).toContain(found.get(told.topics.get(name) ?? ""));
  }
  expect(fatal).toEqual([]);
  broker.close();
  await host.clock.run(controller.close());
}

/** @returns the operations of an undisturbed run */
async function run(host: MemoryHost, told: Told): Promise<void> {
  const { controller } = await startController(host, { config });
  const broker = new TestBroker(host, controller);
  try {
    await load(broker, told);
  } finally {
    broker.close();
  }
  await host.clock.run(controller.close());
}

const nothingTold = (): Told => ({ topics: new Map(), deleted: new Set(), offsets: new Map(), pending: null });

/** Loads the machine, cuts its power at the n-th operation and looks at what its next life knows.
 * @returns whether the power was cut; an operation that fails by itself, such as opening what is not there, takes the cut along */
async function crashAt(n: number, syncIsALie = false): Promise<boolean> {
  const host = memoryHost({ seed: n });
  host.disk.syncIsALie = syncIsALie;
  host.disk.fault = (_operation, _path, at) => (at === n ? "crash" : undefined);
  const told = nothingTold();
  await run(host, told).catch((error: unknown) => {
    if (!host.crashed) throw error;
  });
  if (!host.crashed) return false;
  try {
    await check(host.restart(), told, 2);
  } catch (error) {
    throw new Error(`after a crash at operation ${n} (${JSON.stringify(host.disk.operations[n - 1])})`, { cause: error });
  }
  return true;
}

test("a crash at any disk or store operation loses nothing that was acknowledged", async () => {
  const undisturbed = memoryHost();
  const told = nothingTold();
  await run(undisturbed, told);
  expect(told.offsets).toEqual(new Map([["a", 8]]));
  const operations = undisturbed.disk.count();
  expect(undisturbed.disk.count("store batch")).toBeGreaterThan(6);
  await check(undisturbed.restart(), told, 2);

  let crashes = 0;
  for (let at = 1; at <= operations; at++) if (await crashAt(at)) crashes++;
  expect(crashes).toBeGreaterThan(0.9 * operations);
}, 120_000);

test("on a disk whose syncs do nothing, such crashes do lose what was acknowledged", async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, at) => crashAt(60 + 5 * at, true)));
  expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
});
