import type { Broker } from "@ottla/broker";
import { type MemoryHost, silentLogger } from "@ottla/host";
import { encodeBatchSync, kafka } from "@ottla/protocol";
import { expect, test } from "vitest";
import { machines, machineSettings, start, voterSettings } from "./cluster.test.kit.ts";
import { ask } from "./kafka.test.kit.ts";
import { Node } from "./node.ts";

const { apis } = kafka;

test("a broker that was killed and comes back with an older copy of its disk is not elected, and gives nothing acknowledged up", async () => {
  const [one, ...others] = machines();
  const { clock } = one;
  const brokers: Broker[] = [];
  const run = (host: MemoryHost, nodeId: number): Promise<Node> => {
    const inspector = { broker: (broker: Broker) => void (brokers[nodeId] = broker) };
    const config = { ...machineSettings(nodeId), "controller.quorum.bootstrap.servers": "node-1:9095" };
    return clock.run(Node.start({ host, config, logger: silentLogger, inspector }));
  };
  const record = (nodeId = 2) => [...(brokers[nodeId]?.inspect().image.topics() ?? [])].find(({ name }) => name === "t")?.partitions[0];
  const nodes = [await clock.run(start(one, voterSettings(1, 1)))];
  let [two, three] = others;
  await run(two, 2);
  await run(three, 3);
  const assignments = [{ partitionIndex: 0, brokerIds: [2, 3] }];
  const configs = [{ name: "min.insync.replicas", value: "2" }];
  const topics = [{ name: "t", numPartitions: -1, replicationFactor: -1, assignments, configs }];
  await ask(one, 1, apis.createTopics, 7, { topics, timeoutMs: 5000, validateOnly: false });
  const produce = async (): Promise<number | undefined> => {
    const records = encodeBatchSync([{ key: null, value: new TextEncoder().encode("v"), timestamp: 1 }]);
    const topicData = [{ name: "t", partitionData: [{ index: 0, records }] }];
    const { responses } = await ask(one, record()?.leader ?? 2, apis.produce, 9, { acks: -1, timeoutMs: 5000, topicData });
    return responses?.[0]?.partitionResponses?.[0]?.errorCode;
  };
  await clock.runUntil(() => record()?.isr.length === 2, 5000);
  expect(await produce()).toBe(0);

  three.kill();
  const copy = three.disk.photograph();
  await clock.runUntil(() => record()?.isr.length === 1, 5000);
  three = three.restart();
  await run(three, 3);
  await clock.runUntil(() => record()?.isr.length === 2, 5000);
  expect(await produce()).toBe(0);

  three.kill();
  await clock.runUntil(() => record()?.elr.includes(3) === true, 5000);
  two.kill();
  await clock.advance(4000);
  three = three.restart();
  three.disk.putBack(copy);
  nodes.push(await run(three, 3));
  await clock.advance(2000);
  expect(record(3)).toMatchObject({ leader: -1, elr: [2] });

  two = two.restart();
  nodes.push(await run(two, 2));
  await clock.runUntil(() => record()?.isr.length === 2, 10_000);
  expect(await produce()).toBe(0);
  for (const nodeId of [2, 3]) expect([...(brokers[nodeId]?.inspect().replicas ?? [])].map(({ log }) => log.endOffset)).toEqual([3]);
  await clock.run(Promise.all(nodes.map((node) => node.close())));
});
