import type { Ottla } from "@ottla/client";
import type { Session } from "@ottla/host";
import {
  batchCrcMatches,
  batches,
  type BatchHeader,
  decodeBatchSync,
  errorName,
  pb,
  services,
  type Uuid,
  uuidFromText,
  uuidToBytes,
} from "@ottla/protocol";
import { World } from "./world.ts";

/** A partition as the node hands it out, byte for byte. */
export interface ServedPartition {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly partition: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly batches: readonly BatchHeader[];
  readonly records: readonly { readonly offset: number; readonly value: string }[];
}

const maxBytes = 1 << 20;

/** Everything that a node serves, read below the client's own decoding, so that each batch is seen as it lies on disk.
 * @throws Error when a batch was served whose CRC does not match (S3) */
export async function readServed(world: World, ottla: Ottla): Promise<ServedPartition[]> {
  const admin = ottla.admin();
  const topics = await admin.describeTopics(await admin.listTopics());
  const partitions = topics.flatMap(({ name, id, partitions }) =>
    partitions.map(({ partition }) => ({ topic: name, topicId: uuidFromText(id), partition })),
  );
  const [starts, ends] = await Promise.all([
    admin.listOffsets(partitions.map(({ topic, partition }) => ({ topic, partition, at: "earliest" as const }))),
    admin.listOffsets(partitions.map(({ topic, partition }) => ({ topic, partition, at: "latest" as const }))),
  ]);
  const session = await world.client.network.dial(World.door, services.fetch, {
    attributes: { "ottla-protocol": "1-1", "ottla-client-id": "powerloss" },
    maxFrameBytes: 8 << 20,
    signal: new AbortController().signal,
  });
  try {
    const reader = new Reader(session);
    const served: ServedPartition[] = [];
    for (const [at, { topic, topicId, partition }] of partitions.entries()) {
      const startOffset = starts[at]!.offset;
      const endOffset = ends[at]!.offset;
      served.push({
        topic,
        topicId,
        partition,
        startOffset,
        endOffset,
        ...(await reader.drain(topicId, partition, startOffset, endOffset)),
      });
    }
    return served;
  } finally {
    session.close();
  }
}

class Reader {
  readonly #session: Session;
  readonly #frames: AsyncIterator<Uint8Array>;
  #correlationId = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#frames = session.frames[Symbol.asyncIterator]();
  }

  async drain(
    topicId: Uuid,
    partition: number,
    startOffset: number,
    endOffset: number,
  ): Promise<Pick<ServedPartition, "batches" | "records">> {
    const headers: BatchHeader[] = [];
    const records: { offset: number; value: string }[] = [];
    for (let next = startOffset; next < endOffset;) {
      const bytes = await this.#fetch(topicId, partition, next);
      const before = next;
      for (const { header, bytes: batch } of batches(bytes)) {
        if (!batchCrcMatches(batch))
          throw new Error(`S3: ${topicId}-${partition} served a batch at ${header.baseOffset} whose CRC does not match`);
        headers.push(header);
        for (const { offset, value } of decodeBatchSync(batch))
          if (offset >= startOffset) records.push({ offset, value: value === null ? "" : Buffer.from(value).toString() });
        next = header.lastOffset + 1;
      }
      if (next === before) throw new Error(`${topicId}-${partition} serves nothing at ${next}, yet ends at ${endOffset}`);
    }
    return { batches: headers, records };
  }

  async #fetch(topicId: Uuid, partition: number, fetchOffset: number): Promise<Uint8Array> {
    this.#correlationId += 1;
    const request = pb.FetchRequest.create({
      correlationId: this.#correlationId,
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes,
      partitions: [pb.FetchPartition.create({ topicId: uuidToBytes(topicId), partition, fetchOffset, maxBytes, leaderEpoch: -1 })],
    });
    await this.#session.send([pb.FetchRequest.encode(request)]);
    const { done, value } = await this.#frames.next();
    if (done) throw new Error(`The fetch session ended: ${(await this.#session.closed).message}`);
    const response = pb.FetchResponse.decode(value);
    const [answer] = response.partitions;
    const code = answer?.errorCode ?? response.errorCode;
    if (answer === undefined || code !== 0)
      throw new Error(
        `Fetching ${topicId}-${partition} at ${fetchOffset} was answered ${errorName(code)}: ${answer?.errorMessage ?? response.errorMessage}`,
      );
    return answer.records;
  }
}
