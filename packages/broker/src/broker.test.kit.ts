import {
  type Address,
  type Attributes,
  createSessionPair,
  type Listener,
  type Logger,
  memoryHost,
  type MemoryHost,
  type Reason,
  type Session,
  silentLogger,
} from "@ottla/host";
import { loadNodeConfig, type NodeConfig, pb, services, testConfig, type Uuid, uuidToBytes } from "@ottla/protocol";
import { Broker } from "./broker.ts";
import { KafkaEntrance } from "./kafka/kafka-entrance.ts";
import { StandInController } from "./controller/controller.test.kit.ts";

export interface BrokerRig {
  readonly host: MemoryHost;
  readonly config: NodeConfig;
  readonly broker: Broker;
  readonly controller: StandInController;
  readonly fatal: Error[];
  /** Where Kafka's clients are let in, in the order of `listeners`. */
  readonly kafka: Address[];
  readonly entrance: KafkaEntrance;
  run<T>(promise: Promise<T>): Promise<T>;
  client(attributes?: Attributes): TestClient;
}

export interface BrokerRigOptions {
  readonly host?: MemoryHost;
  readonly controller?: StandInController;
  readonly config?: Partial<NodeConfig>;
  readonly logger?: Logger;
  /** Does not wait until clients are served. */
  readonly unready?: boolean;
}

export async function startBroker(options: BrokerRigOptions = {}): Promise<BrokerRig> {
  const host = options.host ?? memoryHost();
  const controller = options.controller ?? new StandInController();
  const fatal: Error[] = [];
  const run = <T>(promise: Promise<T>): Promise<T> => host.clock.run(promise);
  const config = testConfig({ logMinFreeBytes: 8 << 20, ...options.config });
  const kafka = new KafkaEntrance({ config, clock: host.clock, logger: options.logger ?? silentLogger });
  const listen = (listener: string): Promise<Listener> =>
    host.network.listenFramed({ host: "localhost", port: 0 }, (connection) => kafka.accept(listener, connection), kafka);
  const kafkaListeners = await run(Promise.all(config.listeners.map(({ name }) => listen(name))));
  const broker = await run(
    Broker.start({
      host,
      config,
      kafka,
      loaded: loadNodeConfig({}),
      nodeId: 1,
      directory: "/data/log",
      version: "0.0.0-test",
      logger: options.logger ?? silentLogger,
      onFatal: (error) => fatal.push(error),
      endpoints: () =>
        ["GRPC", ...config.listeners.map(({ name }) => name)].map((listener, i) => ({
          listener,
          host: "registered.example",
          port: 19_093 + 100 * i,
        })),
      clusterId: null,
      ownController: controller.dial,
      dialNode: ({ host: name }) => Promise.reject(new Error(`There is no other node, and none at ${name}`)),
    }),
  );
  if (!options.unready) await run(broker.ready);
  return {
    host,
    config,
    broker,
    controller,
    fatal,
    kafka: kafkaListeners.map(({ address }) => address),
    entrance: kafka,
    run,
    client: (attributes) => new TestClient(host, broker, attributes),
  };
}

type CallKind = NonNullable<pb.CallRequest["call"]["case"]>;
type CallOf<K extends CallKind> = Extract<pb.CallRequest["call"], { case: K }>["value"];

/** The three streams of a client, as far as tests need them. */
export class TestClient {
  readonly #host: MemoryHost;
  readonly #broker: Broker;
  readonly #attributes: Attributes;
  readonly #open = new Map<string, { session: Session; frames: AsyncIterator<Uint8Array>; accepted: Attributes }>();
  #correlationId = 0;

  constructor(host: MemoryHost, broker: Broker, attributes: Attributes = {}) {
    this.#host = host;
    this.#broker = broker;
    this.#attributes = { "ottla-protocol": "1-1", "ottla-client-id": "test", ":authority": "dialled.example:9093", ...attributes };
  }

  /** @throws NetworkError when the broker refuses the session */
  stream(name: keyof typeof services): { session: Session; frames: AsyncIterator<Uint8Array>; accepted: Attributes } {
    const service = services[name];
    const open = this.#open.get(service);
    if (open) return open;
    const [session, accepting] = createSessionPair(service, this.#attributes, {}, { dialling: "client", accepting: "broker" });
    const accepted = this.#broker.services.find((each) => each.name === service)?.accept(accepting) ?? {};
    const stream = { session, frames: session.frames[Symbol.asyncIterator](), accepted };
    this.#open.set(service, stream);
    return stream;
  }

  send(name: keyof typeof services, frame: Uint8Array): Promise<void> {
    return this.stream(name).session.send([frame]);
  }

  async next(name: keyof typeof services): Promise<Uint8Array> {
    const { value, done } = await this.#host.clock.run(this.stream(name).frames.next());
    if (done === true) throw new Error(`the broker ended the session: ${JSON.stringify(await this.closed(name))}`);
    return value;
  }

  closed(name: keyof typeof services): Promise<Reason> {
    return this.#host.clock.run(this.stream(name).session.closed);
  }

  async call<K extends CallKind>(kind: K, value: CallOf<K>, timeoutMs = 5000): Promise<pb.CallResponse> {
    await this.startCall<K>(kind, value, timeoutMs);
    const response = pb.CallResponse.decode(await this.next("call"));
    if (response.correlationId !== this.#correlationId)
      throw new Error(`answer ${response.correlationId} came for call ${this.#correlationId}`);
    return response;
  }

  startCall<K extends CallKind>(kind: K, value: CallOf<K>, timeoutMs = 5000): Promise<void> {
    return this.send(
      "call",
      pb.CallRequest.encode({ correlationId: ++this.#correlationId, timeoutMs, call: { case: kind, value } as pb.CallRequest["call"] }),
    );
  }

  async produce(batches: readonly { topicId: Uuid; partition: number; records: Uint8Array }[], acks = -1): Promise<pb.ProducedPartition[]> {
    await this.startProduce(batches, acks);
    return pb.ProduceResponse.decode(await this.next("produce")).partitions;
  }

  startProduce(batches: readonly { topicId: Uuid; partition: number; records: Uint8Array }[], acks = -1): Promise<void> {
    const partitions = batches.map(({ topicId, ...rest }) => ({ ...rest, topicId: uuidToBytes(topicId) }));
    return this.send("produce", pb.ProduceRequest.encode({ correlationId: ++this.#correlationId, acks, timeoutMs: 5000, partitions }));
  }

  async fetch(partitions: readonly FetchWish[], options: Partial<pb.FetchRequest> = {}): Promise<pb.FetchResponse> {
    await this.startFetch(partitions, options);
    return pb.FetchResponse.decode(await this.next("fetch"));
  }

  startFetch(partitions: readonly FetchWish[], options: Partial<pb.FetchRequest> = {}): Promise<void> {
    const wanted = partitions.map(({ topicId, partition, from, maxBytes = 1 << 20, leaderEpoch = -1 }) => ({
      topicId: uuidToBytes(topicId),
      partition,
      fetchOffset: from,
      maxBytes,
      leaderEpoch,
    }));
    return this.send(
      "fetch",
      pb.FetchRequest.encode({
        correlationId: ++this.#correlationId,
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 1 << 20,
        isolation: 0,
        ...options,
        partitions: wanted,
      }),
    );
  }
}

export interface FetchWish {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly from: number;
  readonly maxBytes?: number;
  readonly leaderEpoch?: number;
}
