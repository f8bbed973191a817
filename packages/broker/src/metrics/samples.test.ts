import { uuidToBytes } from "@ottla/protocol";
import { expect, test } from "vitest";
import { type BrokerRig, startBroker } from "../broker.test.kit.ts";
import { batchOf } from "../partition/partition.test.kit.ts";

function valuesOf(rig: BrokerRig, name: string): { labels: object; value: number }[] {
  const found = rig.broker.samples().find((metric) => metric.name === name);
  return (found?.values ?? []).flatMap((each) => ("value" in each ? [{ labels: each.labels, value: each.value }] : []));
}

const numberOf = (rig: BrokerRig, name: string): number | undefined => valuesOf(rig, name)[0]?.value;

test("a partition's troubles are told by its leader", async () => {
  const rig = await startBroker();
  const topicId = rig.controller.createTopic("orders", 4, { "min.insync.replicas": "2" });
  const partition = (index: number, changes: object): void => {
    const value = rig.controller.partition(topicId, index, {
      replicas: [1, 2, 3],
      isr: [1, 2, 3],
      partitionEpoch: 1,
      leaderEpoch: 50,
      ...changes,
    });
    rig.controller.commit({ case: "partition", value });
  };
  partition(0, { isr: [1, 2] });
  partition(1, { isr: [1] });
  partition(2, { isr: [2], leader: 2 });
  partition(3, { isr: [], leader: -1 });
  await rig.host.clock.advance(50);
  expect(numberOf(rig, "kafka_server_replicamanager_leadercount")).toBe(2);
  expect(numberOf(rig, "kafka_server_replicamanager_underreplicatedpartitions")).toBe(2);
  expect(numberOf(rig, "kafka_server_replicamanager_underminisrpartitioncount")).toBe(1);
  expect(numberOf(rig, "kafka_server_replicamanager_atminisrpartitioncount")).toBe(1);
  expect(numberOf(rig, "kafka_controller_kafkacontroller_preferredreplicaimbalancecount")).toBe(1);
  expect(valuesOf(rig, "kafka_topic_partition_in_sync_replica")).toEqual([
    { labels: { topic: "orders", partition: "0" }, value: 2 },
    { labels: { topic: "orders", partition: "1" }, value: 1 },
  ]);
});

test("the lag of groups is told for the partitions led here, from a look that a scrape brings about", async () => {
  const rig = await startBroker();
  const topicId = rig.controller.createTopic("orders", 1);
  await rig.host.clock.advance(50);
  const client = rig.client();
  for (let n = 0; n < 3; n++) await client.produce([{ topicId, partition: 0, records: batchOf(rig.host) }]);
  const committed = { topicId: uuidToBytes(topicId), partition: 0, offset: 1, leaderEpoch: 0, metadata: "", commitTimeMs: 0 };
  rig.controller.groups.set("billing", [committed]);
  expect(valuesOf(rig, "kafka_consumergroup_lag")).toEqual([]);
  await rig.host.clock.advance(100);
  expect(valuesOf(rig, "kafka_consumergroup_lag")).toEqual([
    { labels: { consumergroup: "billing", topic: "orders", partition: "0" }, value: 2 },
  ]);
  rig.controller.groups.set("billing", [{ ...committed, offset: 3 }]);
  await rig.host.clock.advance(20_000);
  rig.broker.samples();
  await rig.host.clock.advance(100);
  expect(valuesOf(rig, "kafka_consumergroup_lag")[0]?.value).toBe(0);
  expect(valuesOf(rig, "kafka_consumergroup_current_offset")[0]?.value).toBe(3);
});
