import { Ottla } from "@ottla/client";
import { memoryHost, type MemoryHost, silentLogger } from "@ottla/host";
import { Node } from "@ottla/node";
import { expect, test } from "vitest";

const IDS = [1, 2, 3] as const;
const VOTERS = IDS.map((id) => `${id}@node-${id}:9095`).join(",");
/** About as long as it takes grpc-js to give up a connection. */
const PINGS_UNANSWERED_MS = 2300;
const BOOTSTRAP = IDS.map((id) => `node-${id}:9093`);

/** Three machines on one simulated network, a fourth for programs, and a node started on each of the three. */
async function cluster() {
  const program = memoryHost({ seed: 9, hostName: "program" });
  const { clock } = program;
  const hosts = new Map(IDS.map((id) => [id as number, memoryHost({ seed: id, beside: program, hostName: `node-${id}` })]));
  const nodes = new Map<number, Node>();
  const start = async (nodeId: number): Promise<void> => {
    const host = hosts.get(nodeId) as MemoryHost;
    const config = {
      "node.id": nodeId,
      "data.dir": "/data",
      "controller.quorum.voters": VOTERS,
      "grpc.listeners": `node-${nodeId}:9093`,
      "http.listeners": "",
      "node.listeners": `node-${nodeId}:9095`,
    };
    nodes.set(nodeId, await Node.start({ host, config, logger: silentLogger }));
  };
  await clock.run(Promise.all(IDS.map(start)));
  const ottla = new Ottla({ bootstrap: BOOTSTRAP, host: program });
  return {
    clock,
    ottla,
    program,
    start,
    stop: async (nodeId: number) => nodes.get(nodeId)?.close(),
    kill(nodeId: number): void {
      const host = hosts.get(nodeId) as MemoryHost;
      host.kill();
      nodes.delete(nodeId);
      hosts.set(nodeId, host.restart());
    },
    /** Nothing passes to or from it any more. The connections that there are break when their pings have stayed unanswered for long enough. */
    cutOff(nodeId: number): void {
      const host = hosts.get(nodeId) as MemoryHost;
      host.network.trouble({ stalled: true });
      for (const other of [program, ...hosts.values()]) if (other !== host) other.network.trouble({ stalled: true }, `node-${nodeId}`);
      clock.after(PINGS_UNANSWERED_MS, () => host.network.reset());
    },
    heal(nodeId: number): void {
      hosts.get(nodeId)?.network.trouble({});
      for (const other of [program, ...hosts.values()]) other.network.trouble({}, `node-${nodeId}`);
    },
    health: () => [...nodes.values()].map(({ health }) => health.ready),
    async [Symbol.asyncDispose]() {
      await clock.run(ottla.close());
      await clock.run(Promise.all([...nodes.values()].map((node) => node.close())));
    },
  };
}

/** Sends to every partition, one record after the other, until told to stop. */
function sendSteadily(ottla: Ottla, clock: MemoryHost["clock"], partitions: number) {
  const producer = ottla.producer();
  const seen = { sent: 0, longestMs: 0, stop: false };
  const done = Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      while (!seen.stop) {
        const atMs = clock.monotonicMs();
        await producer.send("orders", { value: `${partition}`, partition });
        seen.sent += 1;
        seen.longestMs = Math.max(seen.longestMs, clock.monotonicMs() - atMs);
        await new Promise<void>((resolve) => void clock.after(5, resolve));
      }
    }),
  );
  return { seen, done };
}

test("three nodes are a cluster and acknowledge a record that all of them hold, within 0.6 s of the last one's start", async () => {
  await using at = await cluster();
  const { clock, ottla } = at;
  const admin = ottla.admin();
  await clock.run(admin.createTopic({ name: "orders", partitions: 3, replicationFactor: 3 }));
  expect(await clock.run(ottla.producer().send("orders", { value: "a", partition: 0 }))).toMatchObject({ offset: 0 });
  expect(clock.monotonicMs()).toBeLessThan(600);
  const [topic] = await clock.run(admin.describeTopics(["orders"]));
  expect(topic?.partitions.map(({ inSyncReplicas }) => inSyncReplicas.toSorted())).toEqual([IDS, IDS, IDS]);
  expect(new Set(topic?.partitions.map(({ leader }) => leader)).size).toBe(3);
});

test("a rolling restart of all nodes fails no send, and none takes longer than 0.3 s", async () => {
  await using at = await cluster();
  const { clock, ottla } = at;
  await clock.run(ottla.admin().createTopic({ name: "orders", partitions: 6, replicationFactor: 3 }));
  const { seen, done } = sendSteadily(ottla, clock, 6);
  for (const id of IDS) {
    await clock.run(at.stop(id));
    await clock.run(at.start(id));
    await clock.advance(2000);
  }
  seen.stop = true;
  await clock.run(done);
  expect(seen.sent).toBeGreaterThan(1000);
  expect(seen.longestMs).toBeLessThanOrEqual(300);
  expect(at.health()).toEqual([true, true, true]);
});

test.each(IDS)("node %d is killed under load: nothing fails, sending goes on within 2 s, and it comes back in sync", async (id) => {
  await using at = await cluster();
  const { clock, ottla } = at;
  await clock.run(ottla.admin().createTopic({ name: "orders", partitions: 3, replicationFactor: 3 }));
  const { seen, done } = sendSteadily(ottla, clock, 3);
  await clock.advance(500);
  at.kill(id);
  await clock.advance(3000);
  expect(seen.longestMs).toBeLessThanOrEqual(2000);
  await clock.run(at.start(id));
  await clock.advance(2000);
  seen.stop = true;
  await clock.run(done);
  const [topic] = await clock.run(ottla.admin().describeTopics(["orders"]));
  expect(topic?.partitions.map(({ inSyncReplicas }) => inSyncReplicas.toSorted())).toEqual([IDS, IDS, IDS]);
});

test("the leader of the controllers, which leads partitions too, is cut off: sending goes on within 5 s, and it comes back in sync", async () => {
  await using at = await cluster();
  const { clock, ottla } = at;
  const admin = ottla.admin();
  await clock.run(admin.createTopic({ name: "orders", partitions: 3, replicationFactor: 3 }));
  const { seen, done } = sendSteadily(ottla, clock, 3);
  for (let round = 0; round < 3; round++) {
    // Leaders are at home again.
    await clock.advance(8000);
    const { controllerId } = await clock.run(admin.describeCluster());
    at.cutOff(controllerId);
    await clock.advance(6000);
    const [during] = await clock.run(admin.describeTopics(["orders"]));
    expect(during?.partitions.map(({ leader }) => leader === controllerId || leader === -1)).toEqual([false, false, false]);
    expect(seen.longestMs).toBeLessThanOrEqual(5000);
    at.heal(controllerId);
    await clock.advance(4000);
    const [after] = await clock.run(admin.describeTopics(["orders"]));
    expect(after?.partitions.map(({ inSyncReplicas }) => inSyncReplicas.toSorted())).toEqual([IDS, IDS, IDS]);
  }
  seen.stop = true;
  await clock.run(done);
});

test("a topic that was created a moment ago is found at every broker, and one that was never created is missing at once", async () => {
  await using three = await cluster();
  const { clock, program } = three;
  const ends = IDS.map((id) => new Ottla({ bootstrap: [`node-${id}:9093`], host: program }));
  const [creating, ...asking] = ends.map((end) => end.admin());
  const [asked] = asking;
  if (!creating || !asked) throw new Error("no client");
  // They know each other before, so that nothing but the question is measured.
  for (const end of ends) await clock.run(end.admin().listTopics());
  for (let at = 0; at < 20; at += 1) {
    await clock.run(creating.createTopic({ name: `t${at}`, partitions: 1 }));
    for (const admin of asking) expect(await clock.run(admin.describeTopics([`t${at}`]))).toMatchObject([{ name: `t${at}` }]);
  }
  const askedMs = clock.monotonicMs();
  await expect(clock.run(asked.listOffsets([{ topic: "never", partition: 0, at: "latest" }]))).rejects.toThrow('there is no topic "never"');
  expect(clock.monotonicMs() - askedMs).toBeLessThan(100);
  for (const end of ends) await clock.run(end.close());
});
