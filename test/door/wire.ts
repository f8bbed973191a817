import type { Address, Network, Session } from "@ottla/host";
import { NetworkError } from "@ottla/host";
import { pb, services, uuidFromBytes, type Uuid } from "@ottla/protocol";

export const maxFrameBytes = 64 << 20;
const patienceMs = 10_000;

/** One stream to a broker, spoken by hand: what a client of another make might send. */
export class Wire<Answer extends { correlationId: number }> implements AsyncDisposable {
  readonly session: Session;
  readonly #decode: (bytes: Uint8Array) => Answer;
  readonly #frames: AsyncIterator<Uint8Array>;
  #correlationId = 0;

  constructor(session: Session, decode: (bytes: Uint8Array) => Answer) {
    this.session = session;
    this.#decode = decode;
    this.#frames = session.frames[Symbol.asyncIterator]();
  }

  get nextCorrelationId(): number {
    return ++this.#correlationId;
  }

  /** @throws NetworkError when the stream has ended, saying why */
  async answer(): Promise<Answer> {
    const { done, value } = await this.#frames.next();
    if (done === true) throw new NetworkError(await this.session.closed);
    return this.#decode(value);
  }

  async ask(frame: Uint8Array): Promise<Answer> {
    await this.session.send([frame]);
    return this.answer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.close();
  }
}

export class WireClient {
  readonly #network: Network;
  readonly #address: Address;

  constructor(network: Network, address: Address | string) {
    this.#network = network;
    this.#address = typeof address === "string" ? parse(address) : address;
  }

  dial(service: string, attributes: Record<string, string> = {}): Promise<Session> {
    return this.#network.dial(this.#address, service, {
      attributes: { "ottla-protocol": "1-1", "ottla-client-id": "by-hand", ...attributes },
      maxFrameBytes,
      signal: AbortSignal.timeout(patienceMs),
    });
  }

  async produce(): Promise<Wire<pb.ProduceResponse>> {
    return new Wire(await this.dial(services.produce), (bytes) => pb.ProduceResponse.decode(bytes));
  }

  async fetch(): Promise<Wire<pb.FetchResponse>> {
    return new Wire(await this.dial(services.fetch), (bytes) => pb.FetchResponse.decode(bytes));
  }

  async call(): Promise<Wire<pb.CallResponse>> {
    return new Wire(await this.dial(services.call), (bytes) => pb.CallResponse.decode(bytes));
  }

  async createTopic(name: string, partitions = 1, configs: Record<string, string> = {}): Promise<Uint8Array> {
    await using wire = await this.call();
    const topic = pb.NewTopic.create({
      name,
      partitions,
      replicationFactor: -1,
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    });
    const { answer } = await wire.ask(callFrame(wire, { case: "createTopics", value: { topics: [topic], validateOnly: false } }));
    const created = answer.case === "createTopics" ? answer.value.topics[0] : undefined;
    if (created === undefined || created.errorCode !== 0) throw new Error(`Cannot create ${name}: ${created?.errorMessage}`);
    return created.topicId;
  }

  async topicId(name: string): Promise<{ topicId: Uuid; bytes: Uint8Array; partitions: number }> {
    await using wire = await this.call();
    const { answer } = await wire.ask(callFrame(wire, { case: "metadata", value: pb.MetadataCall.create({ names: [name] }) }));
    const topic = answer.case === "metadata" ? answer.value.topics[0] : undefined;
    if (topic === undefined || topic.errorCode !== 0) throw new Error(`No topic ${name}: ${topic?.errorMessage}`);
    return { topicId: uuidFromBytes(topic.topicId), bytes: topic.topicId, partitions: topic.partitions.length };
  }
}

export function callFrame(wire: { readonly nextCorrelationId: number }, call: pb.CallRequest["call"]): Uint8Array {
  return pb.CallRequest.encode({ correlationId: wire.nextCorrelationId, timeoutMs: 5000, call });
}

export interface Batch {
  readonly topicId: Uint8Array;
  readonly partition?: number;
  readonly records: Uint8Array;
}

export function produceFrame(wire: { readonly nextCorrelationId: number }, batches: readonly Batch[], acks = -1): Uint8Array {
  return pb.ProduceRequest.encode({
    correlationId: wire.nextCorrelationId,
    acks,
    timeoutMs: 5000,
    partitions: batches.map(({ topicId, partition = 0, records }) => ({ topicId, partition, records })),
  });
}

export interface Position {
  readonly topicId: Uint8Array;
  readonly partition?: number;
  readonly offset: number;
  readonly maxBytes?: number;
}

export function fetchFrame(
  wire: { readonly nextCorrelationId: number },
  positions: readonly Position[],
  options: { maxWaitMs?: number; maxBytes?: number } = {},
): Uint8Array {
  const { maxWaitMs = 0, maxBytes = 16 << 20 } = options;
  return pb.FetchRequest.encode({
    correlationId: wire.nextCorrelationId,
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    isolation: 0,
    partitions: positions.map(({ topicId, partition = 0, offset, maxBytes: partitionBytes = maxBytes }) => ({
      topicId,
      partition,
      fetchOffset: offset,
      maxBytes: partitionBytes,
      leaderEpoch: -1,
    })),
  });
}

function parse(address: string): Address {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
