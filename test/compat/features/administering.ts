import { expect } from "vitest";
import { content, plain } from "../record.ts";
import { able, type Feature } from "./feature.ts";
import { untilEqual } from "../rig/until.ts";

export const administering = {
  metadata: {
    title: "lists brokers and topics, and describes a topic",
    nodes: 1,
    async check(session, cluster) {
      const topic = await cluster.topic(3);
      const { nodeIds, clusterId } = await able(session.cluster)();
      expect(nodeIds.toSorted()).toEqual(await cluster.nodeIds());
      if (clusterId !== null) expect(clusterId).toBe(await cluster.clusterId());
      expect(await able(session.listTopics)()).toContain(topic);
      const { partitions } = await able(session.describeTopic)(topic);
      expect(partitions).toEqual(partitions.map(() => ({ leader: nodeIds[0], replicas: nodeIds, inSync: nodeIds })));
      expect(partitions.length).toBe(3);
    },
  },
  topics: {
    title: "creates and deletes a topic",
    nodes: 1,
    async check(session, cluster) {
      const topic = cluster.freshName();
      await able(session.createTopic)(topic, 4, { "retention.ms": "123456789" });
      expect((await cluster.describeTopic(topic)).partitions.length).toBe(4);
      expect((await cluster.topicConfigs(topic))["retention.ms"]).toBe("123456789");
      await expect(able(session.createTopic)(topic, 4, {})).rejects.toThrow(/exist/i);
      await able(session.deleteTopic)(topic);
      await untilEqual(async () => (await cluster.listTopics()).includes(topic), false);
    },
  },
  partitions: {
    title: "adds partitions",
    nodes: 1,
    async check(session, cluster) {
      const topic = await cluster.topic(2);
      await able(session.addPartitions)(topic, 5);
      await untilEqual(async () => (await cluster.describeTopic(topic)).partitions.length, 5);
    },
  },
  "topic-configs": {
    title: "describes and alters a topic's configuration",
    nodes: 1,
    async check(session, cluster) {
      const topic = await cluster.topic(1);
      const before = await able(session.topicConfigs)(topic);
      expect(before).toMatchObject({ "cleanup.policy": "delete", "compression.type": "producer", "max.message.bytes": "1048588" });
      await able(session.setTopicConfig)(topic, "max.message.bytes", "65536");
      await untilEqual(async () => (await able(session.topicConfigs)(topic))["max.message.bytes"], "65536");
      await expect(able(session.setTopicConfig)(topic, "no.such.config", "1")).rejects.toThrow();
    },
  },
  "broker-configs": {
    title: "describes a broker's configuration",
    nodes: 1,
    async check(session, cluster) {
      const [nodeId = -1] = await cluster.nodeIds();
      expect(await able(session.brokerConfigs)(nodeId)).toMatchObject({
        "node.id": String(nodeId),
        "log.segment.bytes": expect.anything(),
      });
    },
  },
  offsets: {
    title: "asks for the earliest offset, the latest, and the first since a time",
    nodes: 1,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      const since = Date.UTC(2026, 0, 1);
      await cluster.write(
        place,
        plain(10).map((record, at) => ({ ...record, timestampMs: since + at * 1000 })),
      );
      const offsetAt = able(session.offsetAt);
      expect([await offsetAt(place, "earliest"), await offsetAt(place, "latest"), await offsetAt(place, { timeMs: since + 4001 })]).toEqual(
        [0, 10, 5],
      );
    },
  },
  "max-timestamp": {
    title: "asks for the record with the greatest timestamp",
    nodes: 1,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      const since = Date.UTC(2026, 0, 1);
      await cluster.write(
        place,
        plain(10).map((record, at) => ({ ...record, timestampMs: since + (at === 6 ? 60_000 : at) })),
      );
      expect(await able(session.offsetAt)(place, "max-timestamp")).toBe(6);
    },
  },
  "delete-records": {
    title: "deletes records before an offset",
    nodes: 1,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      await cluster.write(place, plain(100));
      expect(await able(session.deleteRecords)(place, 42)).toBe(42);
      expect((await cluster.readAll(place)).map(({ offset }) => offset)).toEqual(Array.from({ length: 58 }, (_, at) => 42 + at));
    },
  },
  "log-dirs": {
    title: "describes log directories",
    nodes: 1,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      await cluster.write(place, plain(1000));
      const [nodeId = -1] = await cluster.nodeIds();
      const bytes = (await able(session.logDirs)(place))[nodeId];
      expect(bytes).toBeGreaterThan(50_000);
    },
  },
  "api-versions": {
    title: "lists the versions of each API",
    nodes: 1,
    async check(session) {
      const versions = await able(session.apiVersions)();
      expect(versions["Produce"]?.[0]).toBe(0);
      expect(versions["Fetch"]?.[0]).toBe(4);
      expect(versions["ApiVersions"]?.[0]).toBe(0);
    },
  },
  quorum: {
    title: "describes the controllers' quorum",
    nodes: 3,
    async check(session, cluster) {
      const { leaderId, voters } = await able(session.quorum)();
      expect(voters.toSorted()).toEqual(await cluster.nodeIds());
      expect(voters).toContain(leaderId);
    },
  },
  reassign: {
    title: "moves a partition to other brokers",
    nodes: 3,
    async check(session, cluster) {
      const topic = await cluster.topic(1, { "min.insync.replicas": "1" });
      const place = { topic, partition: 0 };
      await cluster.write(place, plain(500));
      const [now] = (await cluster.describeTopic(topic)).partitions;
      const wanted = now?.replicas.slice(1) ?? [];
      await able(session.reassign)(place, wanted);
      await untilEqual(async () => (await cluster.describeTopic(topic)).partitions[0]?.replicas, wanted);
      expect((await cluster.readAll(place)).map(content)).toEqual(plain(500).map(content));
    },
  },
  elect: {
    title: "gives the leadership back to the preferred replica",
    nodes: 3,
    kills: true,
    async check(session, cluster) {
      const topic = await cluster.topic(1);
      const place = { topic, partition: 0 };
      const [before] = (await cluster.describeTopic(topic)).partitions;
      await cluster.killLeader(place);
      await untilEqual(async () => (await cluster.describeTopic(topic)).partitions[0]?.leader !== before?.leader, true);
      await cluster.revive(place);
      await able(session.electPreferred)(place);
      await untilEqual(async () => (await cluster.describeTopic(topic)).partitions[0]?.leader, before?.leader);
    },
  },
} as const satisfies Record<string, Feature>;
