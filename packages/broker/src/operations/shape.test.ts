import { errors, uuidToBytes } from "@ottla/protocol";
import { expect, test } from "vitest";
import { startBroker } from "../broker.test.kit.ts";

test("what the controllers decide about the cluster's shape comes back as they answer it", async () => {
  const rig = await startBroker();
  const answer = await rig.client().call("drainBroker", { nodeId: 2, rate: 0, cancel: false });
  expect(answer).toMatchObject({ errorCode: 0, answer: { case: "drainBroker", value: { replicasLeft: 3 } } });
  expect(rig.controller.commands.at(-1)?.command).toMatchObject({ case: "drainBroker", value: { nodeId: 2 } });
});

test("a reassignment that cannot mean anything is refused before the controllers hear of it", async () => {
  const rig = await startBroker();
  const topicId = uuidToBytes(rig.controller.createTopic("orders", 1));
  const ask = async (replicas: number[], cancel = false): Promise<string> => {
    const value = { partitions: [{ topicId, partition: 0, replicas, cancel }], rate: 0 };
    const { errorCode, errorMessage } = await rig.client().call("reassignPartitions", value);
    expect(errorCode).not.toBe(errors.NONE.code);
    return errorMessage;
  };
  expect(await ask([])).toBe("The reassignment of partition 0 names no replicas: name at least one broker");
  expect(await ask([1, 2, 1])).toBe("The reassignment of partition 0 names broker 1 twice");
  expect(await ask([2], true)).toContain("To cancel the reassignment of partition 0 name no replicas");
  expect(rig.controller.commands.some(({ command }) => command.case === "reassignPartitions")).toBe(false);
});
