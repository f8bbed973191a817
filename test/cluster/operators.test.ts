import { type Admin, Ottla } from "@ottla/client";
import { memoryHost, silentLogger } from "@ottla/host";
import { Node } from "@ottla/node";
import { expect, test } from "vitest";

const IDS = [1, 2, 3];
const VOTERS = IDS.map((id) => `${id}@node-${id}:9095`).join(",");

/** Three nodes on simulated machines, and a program on a fourth. */
async function cluster() {
  const program = memoryHost({ seed: 4, hostName: "program" });
  const { clock } = program;
  const started = IDS.map(async (id) => {
    const config = {
      "node.id": id,
      "data.dir": "/data",
      "controller.quorum.voters": VOTERS,
      "grpc.listeners": `node-${id}:9093`,
      "http.listeners": "",
      "node.listeners": `node-${id}:9095`,
    };
    const host = memoryHost({ seed: id, beside: program, hostName: `node-${id}` });
    return [id, await Node.start({ host, config, logger: silentLogger })] as const;
  });
  const nodes = new Map(await clock.run(Promise.all(started)));
  const ottla = new Ottla({ bootstrap: IDS.map((id) => `node-${id}:9093`), host: program });
  return {
    ottla,
    admin: ottla.admin(),
    run: <T>(promise: Promise<T>): Promise<T> => clock.run(promise),
    pause: (ms: number) => clock.run(new Promise<void>((resolve) => void clock.after(ms, resolve))),
    async stop(id: number) {
      await clock.run(nodes.get(id)?.close() ?? Promise.resolve());
      nodes.delete(id);
    },
    async [Symbol.asyncDispose]() {
      await clock.run(ottla.close());
      await clock.run(Promise.all([...nodes.values()].map((node) => node.close())));
    },
  };
}

async function until(pause: (ms: number) => Promise<void>, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await holds()) return;
    await pause(100);
  }
  throw new Error("it did not come to hold within 10 s");
}

async function replicasOf(admin: Admin, topic: string): Promise<number[][]> {
  const [described] = await admin.describeTopics([topic]);
  return (described?.partitions ?? []).map(({ replicas }) => replicas.toSorted());
}

test("a broker is drained while records flow, stopped and forgotten, and nothing is lost", async () => {
  await using at = await cluster();
  const { admin, run, pause } = at;
  await run(admin.createTopic({ name: "orders", partitions: 4, replicationFactor: 2 }));
  const producer = at.ottla.producer();
  const send = (value: string) => run(Promise.all([0, 1, 2, 3].map((partition) => producer.send("orders", { value, partition }))));
  await send("before");
  await expect(run(admin.removeBroker(3))).rejects.toThrow("drain it first");
  let last = await run(admin.drainBroker(3));
  await send("during");
  await until(pause, async () => (last = await run(admin.drainBroker(3))).replicasLeft === 0);
  expect(last.stuck).toEqual([]);
  expect((await run(replicasOf(admin, "orders"))).flat()).not.toContain(3);
  await at.stop(3);
  await until(pause, async () => (await run(admin.describeCluster())).nodes.find(({ nodeId }) => nodeId === 3)?.fenced === true);
  await run(admin.removeBroker(3));
  await send("after");
  const read = async (): Promise<string[]> => {
    const values: string[] = [];
    const records = at.ottla.consumer({ assign: ["orders"], offsetReset: "earliest", until: "end" });
    for await (const { value } of records) values.push(Buffer.from(value ?? []).toString());
    return values;
  };
  expect((await run(read())).toSorted()).toEqual(["after", "before", "during"].flatMap((value) => [value, value, value, value]));
});

test("partitions are moved, widened and led by their first replica again, and the events say so", async () => {
  await using at = await cluster();
  const { admin, run, pause } = at;
  await run(admin.createTopic({ name: "orders", assignments: [[1]] }));
  await run(admin.reassignPartitions([{ topic: "orders", partition: 0, replicas: [2] }]));
  await until(pause, async () => (await run(admin.listReassignments())).length === 0);
  expect(await run(replicasOf(admin, "orders"))).toEqual([[2]]);
  await run(admin.alterReplicationFactor("orders", 3));
  await until(pause, async () => (await run(admin.listReassignments())).length === 0);
  expect(await run(replicasOf(admin, "orders"))).toEqual([[1, 2, 3]]);
  await expect(run(admin.alterReplicationFactor("orders", 4))).rejects.toThrow(/3 of 3 registered brokers|at most 3/);
  expect(await run(admin.electLeaders([{ topic: "orders", partition: 0 }]))).toEqual([{ topic: "orders", partition: 0, changed: false }]);
  const events = await run(admin.describeEvents());
  expect(events.filter(({ kind, topic }) => kind === "reassigned" && topic === "orders").length).toBeGreaterThanOrEqual(2);
  const quorum = await run(admin.describeQuorum());
  expect(quorum.members.map(({ nodeId, voter }) => [nodeId, voter])).toEqual(IDS.map((id) => [id, true]));
});
