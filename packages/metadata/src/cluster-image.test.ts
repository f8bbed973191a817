import { pb, uuidFromBytes } from "@ottla/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ClusterImage } from "./index.ts";

type Of = pb.MetadataRecord["record"];

const id = (number: number): Uint8Array => new Uint8Array(16).fill(number);
const uuid = (number: number) => uuidFromBytes(id(number));

const topic = (number: number): Of => ({ case: "topic", value: { topicId: id(number), name: `t${number}` } });
const partition = (number: number, at: number, leaderEpoch = 0): Of => ({
  case: "partition",
  value: {
    topicId: id(number),
    partition: at,
    replicas: [1],
    isr: [1],
    elr: [],
    leader: 1,
    leaderEpoch,
    partitionEpoch: leaderEpoch,
    leaderBrokerEpoch: 3,
    adding: [],
    removing: [],
    lastEligible: [],
    addingRate: 0,
    reports: [],
  },
});
const voter = (nodeId: number): pb.Voter => ({ nodeId, directoryId: id(90 + nodeId), host: "h", port: 9095 });
const config = (resource: string, name: string, value: string | undefined): Of => ({
  case: "config",
  value: { resourceType: resource === "" ? 4 : 2, resource, name, value },
});
const broker = (nodeId: number, fenced: boolean): Of => ({
  case: "broker",
  value: {
    nodeId,
    brokerEpoch: 3,
    incarnation: id(7),
    directoryId: id(8),
    endpoints: [],
    rack: "",
    fenced,
    shuttingDown: false,
    version: "1",
    metadataVersionMin: 1,
    metadataVersionMax: 1,
    draining: false,
    drainingRate: 0,
  },
});

/** As it comes over the wire. */
function delta(index: number, records: Of[], o: Partial<pb.MetadataDelta> = {}): pb.MetadataDelta {
  const message = {
    snapshot: false,
    complete: true,
    part: 0,
    index,
    term: 1,
    controllerId: 1,
    records: records.map((record) => ({ record })),
    ...o,
  };
  return pb.MetadataDelta.decode(pb.MetadataDelta.encode(message));
}

const snapshot = (index: number, part: number, complete: boolean, records: Of[]): pb.MetadataDelta =>
  delta(index, records, { snapshot: true, part, complete });

test("a delta changes what it names and tells what that was", () => {
  const image = new ClusterImage();
  const created = image.apply(delta(5, [topic(1), partition(1, 0), partition(1, 1), broker(1, true), config("", "retention.ms", "1")]));
  expect({ ...created }).toEqual({ snapshot: false, topics: new Set([uuid(1)]), deleted: new Set(), brokers: new Set([1]), configs: true });
  expect(image.topicByName("t1")?.partitions.map(({ partition: at }) => at)).toEqual([0, 1]);
  expect(image.brokerDefaults().get("retention.ms")).toBe("1");
  const changed = image.apply(delta(6, [partition(1, 1, 4), config(uuid(1), "segment.ms", "9")]));
  expect({ ...changed }).toEqual({ snapshot: false, topics: new Set([uuid(1)]), deleted: new Set(), brokers: new Set(), configs: false });
  expect(image.topic(uuid(1))?.partitions[1]?.leaderEpoch).toBe(4);
  expect(image.topic(uuid(1))?.configs.get("segment.ms")).toBe("9");
  const removed = image.apply(
    delta(7, [
      { case: "removeTopic", value: { topicId: id(1) } },
      { case: "deletedTopic", value: { topicId: id(1), homes: [{ nodeId: 1, directoryId: id(8) }] } },
    ]),
  );
  expect([removed.topics, removed.deleted]).toEqual([new Set(), new Set([uuid(1)])]);
  expect(image.topicByName("t1")).toBeUndefined();
  expect(image.deletedTopics.get(uuid(1))?.homes).toEqual([{ nodeId: 1, directoryId: id(8) }]);
  expect([image.index, image.term, image.controllerId]).toEqual([7, 1, 1]);
});

test("a whole image counts only when its last part has come", () => {
  const image = new ClusterImage();
  image.apply(delta(3, [topic(1)]));
  expect(image.apply(snapshot(9, 0, false, [topic(2)])).topics.size).toBe(0);
  expect([image.index, image.topicByName("t1")?.name, image.topicByName("t2")]).toEqual([3, "t1", undefined]);
  const change = image.apply(snapshot(9, 1, true, [partition(2, 0)]));
  expect([change.snapshot, change.topics, change.deleted]).toEqual([true, new Set([uuid(2)]), new Set([uuid(1)])]);
  expect([image.index, image.topicByName("t1"), image.topicByName("t2")?.partitions.length]).toEqual([9, undefined, 1]);
});

test("a whole image that broke off begins anew", () => {
  const image = new ClusterImage();
  image.apply(snapshot(9, 0, false, [topic(2)]));
  image.apply(snapshot(9, 0, false, [topic(2)]));
  image.apply(snapshot(9, 1, true, [partition(2, 0)]));
  expect(image.topicByName("t2")?.partitions.length).toBe(1);
  expect(() => image.apply(snapshot(12, 1, true, []))).toThrow("part 1 of the image at index 12 came after 0 parts");
});

test("an image never goes backwards", () => {
  const image = new ClusterImage();
  image.apply(delta(5, []));
  expect(() => image.apply(delta(4, []))).toThrow("a delta leads to index 4, the image is at 5");
  expect(() => image.apply(snapshot(4, 0, true, []))).toThrow();
});

test("a record of an unknown type, or of one that stays in the controllers, is refused", () => {
  const image = new ClusterImage();
  expect(() => image.apply(delta(1, [{ case: undefined }]))).toThrow("unknown to this version");
  expect(() => image.apply(delta(1, [{ case: "producerIds", value: { nextId: 1 } }]))).toThrow("producerIds");
});

test("the image keeps no part of the message it came in", () => {
  const image = new ClusterImage();
  const message = delta(1, [broker(1, false), topic(1), partition(1, 0)]);
  const record = message.records[2]?.record;
  image.apply(message);
  if (record?.case !== "partition") throw new Error("the message changed");
  record.value.topicId.fill(0);
  expect(image.topicByName("t1")?.partitions[0]?.topicId).toEqual(id(1));
  expect(image.topicByName("t1")?.partitions[0]?.topicId.buffer.byteLength).toBe(16);
  expect(image.brokers.get(1)?.incarnation.buffer.byteLength).toBe(16);
});

type Change = { readonly topic: number; readonly what: "create" | "grow" | "elect" | "set" | "unset" | "delete" | "forget" };

test("the records of an image give the same image again, whatever deltas led to it", () => {
  const change: fc.Arbitrary<Change> = fc.record({
    topic: fc.integer({ min: 1, max: 4 }),
    what: fc.constantFrom("create", "grow", "elect", "set", "unset", "delete", "forget"),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const image = new ClusterImage();
      image.apply(
        delta(1, [
          { case: "cluster", value: { clusterId: "c", voters: [voter(1)] } },
          { case: "feature", value: { name: "metadata.version", level: 1 } },
          broker(1, false),
        ]),
      );
      for (const [at, each] of changes.entries()) image.apply(delta(at + 2, recordsOf(image, each)));
      const copy = new ClusterImage();
      copy.apply(
        snapshot(
          image.index,
          0,
          true,
          [...image.records()].map(({ record }) => record),
        ),
      );
      expect(content(copy)).toEqual(content(image));
    }),
  );
});

function recordsOf(image: ClusterImage, { topic: number, what }: Change): Of[] {
  const there = image.topic(uuid(number));
  if (!there) {
    if (what === "create") return [topic(number), partition(number, 0)];
    return what === "forget" ? [{ case: "forgetDeletedTopic", value: { topicId: id(number) } }] : [];
  }
  switch (what) {
    case "grow":
      return [partition(number, there.partitions.length)];
    case "elect":
      return there.partitions.map((each) => partition(number, each.partition, each.leaderEpoch + 1));
    case "set":
      return [config(there.id, "retention.ms", String(image.index)), config("", "segment.ms", String(number))];
    case "unset":
      return [config(there.id, "retention.ms", undefined), config("", "segment.ms", undefined)];
    case "delete":
      return [
        { case: "removeTopic", value: { topicId: id(number) } },
        { case: "deletedTopic", value: { topicId: id(number), homes: [{ nodeId: 1, directoryId: id(8) }] } },
      ];
    default:
      return [];
  }
}

function content(image: ClusterImage): unknown {
  return {
    index: image.index,
    clusterId: image.clusterId,
    voters: image.voters,
    features: [...image.features],
    brokers: [...image.brokers],
    defaults: [...image.brokerDefaults()],
    topics: [...image.topics()].map(({ name, partitions, configs }) => [name, partitions, [...configs]]).sort(),
    deleted: [...image.deletedTopics].sort(),
  };
}
