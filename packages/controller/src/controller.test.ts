import { memoryHost } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { startController, TestBroker } from "./controller.test.kit.ts";
import { newTopic } from "./state/decisions.test.kit.ts";

const create = (...topics: Partial<pb.NewTopic>[]): pb.Command["command"] => ({
  case: "createTopics",
  value: { topics: topics.map(newTopic), validateOnly: false },
});

test("a broker registers, becomes live, and has seen a topic when its creation is answered", async () => {
  const host = memoryHost();
  const { controller, fatal } = await startController(host);
  const broker = new TestBroker(host, controller);
  await broker.join(7);
  const reply = await broker.run(create({ name: "orders", partitions: 3 }));
  expect(reply.errorMessage).toBe("");
  const topic = broker.image.topicByName("orders");
  expect(topic?.partitions.map(({ leader, isr }) => [leader, isr])).toEqual([
    [1, [1]],
    [1, [1]],
    [1, [1]],
  ]);
  expect(broker.image.index).toBeGreaterThanOrEqual(reply.index);
  expect(await controller.founded).toBe(broker.image.clusterId);
  expect(controller.status.clusterId).toBe(broker.image.clusterId);
  expect(fatal).toEqual([]);
  broker.close();
  await host.clock.run(controller.close());
});
