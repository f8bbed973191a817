import type { Session } from "@ottla/host";
import { kafka, type Uuid } from "@ottla/protocol";
import { type BrokerRig, type BrokerRigOptions, startBroker } from "../../../broker.test.kit.ts";
import { batchOf } from "../../../partition/partition.test.kit.ts";

type AnyApi<Written, Read> = kafka.Api<unknown, never, Written, Read>;

/** A connection to the Kafka door of a broker on a simulated machine: the real codec on both sides. */
export class KafkaClient {
  readonly #rig: BrokerRig;
  readonly #session: Session;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #received: Buffer = Buffer.alloc(0);
  #correlationId = 0;

  private constructor(rig: BrokerRig, session: Session) {
    this.#rig = rig;
    this.#session = session;
    this.#chunks = session.frames[Symbol.asyncIterator]();
  }

  static async connect(rig: BrokerRig, listener = 0): Promise<KafkaClient> {
    const address = rig.kafka[listener];
    if (address === undefined) throw new Error("the broker has no listener for Kafka's clients");
    return new KafkaClient(rig, await rig.run(rig.host.network.dialBytes(address, new AbortController().signal)));
  }

  async ask<Written, Read>(api: AnyApi<Written, Read>, version: number, body: Written): Promise<Read> {
    await this.send(api, version, body);
    return this.next(api, version);
  }

  async send<Written>(api: AnyApi<Written, unknown>, version: number, body: Written): Promise<void> {
    const parts = kafka.encodeRequest(api, version, { correlationId: ++this.#correlationId, clientId: "test" }, body);
    const size = Buffer.alloc(4);
    size.writeInt32BE(parts.reduce((sum, { length }) => sum + length, 0));
    await this.#session.send([size, ...parts]);
  }

  async next<Read>(api: AnyApi<never, Read>, version: number): Promise<Read> {
    return kafka.decodeResponse(api, version, await this.#frame()).body;
  }

  /** Resolves when the broker closes the connection, and nothing was answered before. */
  async closed(): Promise<void> {
    const { done } = await this.#rig.run(this.#chunks.next());
    if (done !== true) throw new Error("the broker answered, and the connection was to be closed");
  }

  close(): void {
    this.#session.close();
  }

  async #frame(): Promise<Uint8Array> {
    for (;;) {
      const end = this.#received.length < 4 ? Infinity : 4 + this.#received.readInt32BE(0);
      if (this.#received.length >= end) {
        const frame = this.#received.subarray(4, end);
        this.#received = this.#received.subarray(end);
        return frame;
      }
      const { value, done } = await this.#rig.run(this.#chunks.next());
      if (done === true) throw new Error("the broker closed the connection");
      this.#received = Buffer.concat([this.#received, value]);
    }
  }
}

export interface KafkaRig extends BrokerRig {
  readonly topicId: Uuid;
  readonly kafkaClient: KafkaClient;
}

/** A broker with the topic "orders", each of whose partitions holds so many batches of one record. */
export async function kafkaRig(
  options: BrokerRigOptions & {
    partitions?: number;
    batches?: number;
    valueBytes?: number;
    configs?: Readonly<Record<string, string>>;
  } = {},
): Promise<KafkaRig> {
  const { partitions = 1, batches = 0, valueBytes = 100, configs = {}, ...broker } = options;
  const rig = await startBroker(broker);
  const topicId = rig.controller.createTopic("orders", partitions, configs);
  await rig.host.clock.advance(50);
  const kafkaClient = await KafkaClient.connect(rig);
  for (let i = 0; i < batches; i++) {
    const value = "x".repeat(valueBytes);
    const partitionData = Array.from({ length: partitions }, (_, index) => ({ index, records: batchOf(rig.host, { value }) }));
    const { responses } = await kafkaClient.ask(kafka.apis.produce, 7, produceOf(partitionData));
    const failed = responses.flatMap(({ partitionResponses }) => partitionResponses).find(({ errorCode }) => errorCode !== 0);
    if (failed !== undefined) throw new Error(`a batch of the test was refused: ${JSON.stringify(failed)}`);
  }
  return { ...rig, topicId, kafkaClient };
}

export function produceOf(
  partitionData: readonly { index: number; records: Uint8Array | null }[],
  options: { acks?: number; transactionalId?: string | null; name?: string } = {},
) {
  const { acks = -1, transactionalId = null, name = "orders" } = options;
  return { transactionalId, acks, timeoutMs: 5000, topicData: [{ name, partitionData }] };
}

/** Another broker, as the image has it. */
export const brokerTwo = {
  nodeId: 2,
  brokerEpoch: 39,
  incarnation: new Uint8Array(16),
  directoryId: new Uint8Array(16).fill(2),
  endpoints: [{ listener: "PLAINTEXT", host: "two.example", port: 9292 }],
  rack: "",
  fenced: false,
  shuttingDown: false,
  draining: false,
  drainingRate: 0,
  metadataVersionMin: 1,
  metadataVersionMax: 1,
  version: "0.0.0-test",
};
