import { Broker, KafkaEntrance } from "@ottla/broker";
import { Controller } from "@ottla/controller";
import { createSessionPair, memoryHost, type MemoryHost, type Session, silentLogger } from "@ottla/host";
import { encodeBatchSync, errors, loadNodeConfig, pb, services, testConfig } from "@ottla/protocol";
import { expect, test } from "vitest";

// The broker against the real controller, over the frames that two processes would exchange, on one simulated machine.

interface Cluster {
  readonly host: MemoryHost;
  readonly broker: Broker;
  readonly controller: Controller;
  call<K extends Kind>(kind: K, value: Asked<K>): Promise<Answered<K>>;
  produce(topicId: Uint8Array, partition: number, sequence: number): Promise<pb.ProducedPartition>;
  stop(): Promise<void>;
}

type Call = pb.CallRequest["call"];
type Answer = pb.CallResponse["answer"];
type Kind = NonNullable<Call["case"]>;
type Asked<K extends Kind> = Extract<Call, { case: K }>["value"];
type Answered<K extends Kind> = Extract<Answer, { case: K }>["value"];

async function start(host: MemoryHost): Promise<Cluster> {
  const config = testConfig({ logMinFreeBytes: 8 << 20 });
  const fatal = (error: Error): void => {
    throw error;
  };
  const controller = await host.clock.run(
    Controller.start({
      host,
      config,
      nodeId: 1,
      directory: "/data/controller",
      version: "test",
      logger: silentLogger,
      onFatal: fatal,
      nodeAddress: () => ({ host: "localhost", port: 9095 }),
      dial: () => Promise.reject(new Error("there is one voter")),
    }),
  );
  const broker = await host.clock.run(
    Broker.start({
      host,
      config,
      loaded: loadNodeConfig({}),
      nodeId: 1,
      directory: "/data/log",
      version: "test",
      logger: silentLogger,
      onFatal: fatal,
      kafka: new KafkaEntrance({ config, clock: host.clock, logger: silentLogger }),
      endpoints: () => [{ listener: "GRPC", host: "localhost", port: 9093 }],
      clusterId: null,
      dialNode: () => Promise.reject(new Error("there is one node")),
      ownController: async (service, attributes) => {
        const [dialling, accepting] = createSessionPair(service, attributes, {}, { dialling: "broker", accepting: "controller" });
        controller.accept(accepting);
        return dialling;
      },
    }),
  );
  await host.clock.run(broker.ready);
  const streams = new Map<string, { session: Session; frames: AsyncIterator<Uint8Array> }>();
  const ask = async (service: string, frame: Uint8Array): Promise<Uint8Array> => {
    let stream = streams.get(service);
    if (stream === undefined) {
      const [session, accepting] = createSessionPair(service, { "ottla-protocol": "1-1" }, {}, { dialling: "client", accepting: "broker" });
      broker.services.find(({ name }) => name === service)?.accept(accepting);
      streams.set(service, (stream = { session, frames: session.frames[Symbol.asyncIterator]() }));
    }
    await stream.session.send([frame]);
    const answer = await host.clock.run(stream.frames.next());
    if (answer.done === true) throw new Error("the broker ended the session");
    return answer.value;
  };
  return {
    host,
    broker,
    controller,
    async call<K extends Kind>(kind: K, value: Asked<K>): Promise<Answered<K>> {
      const frame = pb.CallRequest.encode({ correlationId: 1, timeoutMs: 10_000, call: { case: kind, value } as Call });
      const { errorCode, errorMessage, answer } = pb.CallResponse.decode(await ask(services.call, frame));
      if (errorCode !== 0 || answer.case !== kind) throw new Error(`${kind} failed: ${errorMessage}`);
      return answer.value as Answered<K>;
    },
    async produce(topicId, partition, sequence) {
      const records = encodeBatchSync([{ key: null, value: Buffer.from(`${sequence}`), timestamp: host.clock.wallMs() }], {
        producerId: 1,
        producerEpoch: 0,
        baseSequence: sequence,
      });
      const frame = pb.ProduceRequest.encode({
        correlationId: 1,
        acks: -1,
        timeoutMs: 5000,
        partitions: [{ topicId, partition, records }],
      });
      const [produced] = pb.ProduceResponse.decode(await ask(services.produce, frame)).partitions;
      if (produced === undefined) throw new Error("no partition was answered");
      return produced;
    },
    async stop() {
      await host.clock.run(broker.shutdown());
      await host.clock.run(controller.close());
    },
  };
}

const topic = (name: string, partitions: number) => ({ name, partitions, replicationFactor: -1, assignments: [], configs: [] });

test("a topic is usable as soon as its creation is answered, and after every kind of end what was acknowledged is there", async () => {
  let cluster = await start(memoryHost());
  const { topics } = await cluster.call("createTopics", { topics: [topic("orders", 3)], validateOnly: false });
  const topicId = topics[0]?.topicId ?? new Uint8Array();
  let sequence = 0;
  let epoch = -1;
  for (const end of ["stop", "crash", "stop", "crash", "crash"]) {
    for (let i = 0; i < 3; i++) {
      expect(await cluster.produce(topicId, 1, sequence)).toMatchObject({ errorCode: 0, baseOffset: sequence });
      sequence++;
    }
    const { nodes } = await cluster.call("describeCluster", {});
    expect(nodes).toMatchObject([{ nodeId: 1, broker: true, voter: true, fenced: false }]);
    expect(nodes[0]?.brokerEpoch).toBeGreaterThan(epoch);
    epoch = nodes[0]?.brokerEpoch ?? -1;
    if (end === "stop") await cluster.stop();
    cluster = await start(cluster.host.restart());
    expect(await cluster.produce(topicId, 1, sequence - 1)).toMatchObject({ errorCode: 0, baseOffset: sequence - 1 });
  }
  const { partitions } = await cluster.call("listOffsets", {
    isolation: 0,
    partitions: [{ topicId, partition: 1, timestamp: -1, leaderEpoch: -1 }],
  });
  expect(partitions[0]).toMatchObject({ errorCode: 0, offset: sequence });
  await cluster.stop();
});

test("settings, partitions, groups and deletion go through the controller and come back", async () => {
  const cluster = await start(memoryHost());
  const { topics } = await cluster.call("createTopics", { topics: [topic("orders", 1)], validateOnly: false });
  const topicId = topics[0]?.topicId ?? new Uint8Array();
  const set = { type: 2, name: "orders", changes: [{ name: "max.message.bytes", operation: 0, value: "60" }] };
  expect((await cluster.call("alterConfigs", { resources: [set], validateOnly: false })).resources[0]?.errorCode).toBe(0);
  await cluster.host.clock.advance(100);
  expect(await cluster.produce(topicId, 0, 0)).toMatchObject({ errorCode: errors.MESSAGE_TOO_LARGE.code, notAppended: true });
  const described = await cluster.call("describeConfigs", { resources: [{ type: 2, name: "orders", keys: ["max.message.bytes"] }] });
  expect(described.resources[0]?.configs).toMatchObject([{ name: "max.message.bytes", value: "60", source: 1 }]);
  await cluster.call("alterConfigs", {
    resources: [{ ...set, changes: [{ name: "max.message.bytes", operation: 1, value: undefined }] }],
    validateOnly: false,
  });
  await cluster.call("createPartitions", { topics: [{ name: "orders", total: 4, assignments: [] }], validateOnly: false });
  expect(await cluster.produce(topicId, 3, 0)).toMatchObject({ errorCode: 0 });
  const committed = { topicId, partition: 3, offset: 1, leaderEpoch: -1, metadata: "here" };
  expect((await cluster.call("commitOffsets", { group: "readers", offsets: [committed] })).offsets[0]?.errorCode).toBe(0);
  expect((await cluster.call("fetchOffsets", { group: "readers", partitions: [] })).offsets).toMatchObject([
    { partition: 3, offset: 1, metadata: "here" },
  ]);
  expect((await cluster.call("listGroups", {})).groups).toMatchObject([{ group: "readers", partitions: 1 }]);
  const producers = new Set<number>();
  for (let i = 0; i < 10; i++) producers.add((await cluster.call("initProducerId", {})).producerId);
  expect(producers.size).toBe(10);
  expect((await cluster.call("deleteTopics", { names: ["orders"], topicIds: [] })).topics[0]?.errorCode).toBe(0);
  await cluster.host.clock.advance(3000);
  expect((await cluster.produce(topicId, 3, 1)).errorCode).toBe(errors.UNKNOWN_TOPIC_ID.code);
  expect((await cluster.call("describeLogDirs", { partitions: [] })).partitions).toEqual([]);
  await cluster.stop();
});
