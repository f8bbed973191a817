import { errors, kafka } from "@ottla/protocol";
import { expect, test } from "vitest";
import { kafkaRig } from "./kafka-client.test.kit.ts";

const { findCoordinator } = kafka.apis;

test.each([0, 1, 2, 3])("version %i names a live broker for a group, under the address of this door", async (version) => {
  const rig = await kafkaRig();
  const found = await rig.kafkaClient.ask(findCoordinator, version, { key: "billing", keyType: 0 });
  expect(found).toMatchObject({ errorCode: 0, nodeId: 1, port: rig.kafka[0]?.port });
});

test.each([4, 5])("version %i names one for each of many", async (version) => {
  const rig = await kafkaRig();
  const { coordinators } = await rig.kafkaClient.ask(findCoordinator, version, { keyType: 0, coordinatorKeys: ["a", "b"] });
  expect(coordinators).toMatchObject(["a", "b"].map((key) => ({ key, errorCode: 0, nodeId: 1 })));
});

test.each([1, 2])("what is no group has no coordinator (kind %i)", async (keyType) => {
  const rig = await kafkaRig();
  const found = await rig.kafkaClient.ask(findCoordinator, 3, { key: "payments", keyType });
  expect(found).toMatchObject({ errorCode: errors.INVALID_REQUEST.code, nodeId: -1, host: "", port: -1 });
});

test("a request may be about a hundred thousand groups, and no more", async () => {
  const rig = await kafkaRig();
  const coordinatorKeys = Array.from({ length: 100_001 }, (_, i) => `${i}`);
  await rig.kafkaClient.send(findCoordinator, 4, { keyType: 0, coordinatorKeys });
  await rig.kafkaClient.closed();
});
