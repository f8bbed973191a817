import fc from "fast-check";
import { encodeBatchSync, kafka, type Uuid } from "@ottla/protocol";
import { arbitraryOf } from "../../../packages/protocol/src/kafka/messages.test.kit.ts";

export interface Seed {
  /** Without its size. */
  readonly frame: Uint8Array;
  /** Where the record batch begins, of a Produce request. */
  readonly batchAt: number | null;
}

type AnyApi = kafka.Api<unknown, never, unknown>;
const header = { correlationId: 1, clientId: "fuzz", unknownTags: [] };

/** Well-formed requests of every version of every API: some drawn from the schemas, those that reach the log made for it. */
export function seedsFor(topic: string, topicId: Uuid): readonly Seed[] {
  return [...drawn(), ...writes(topic, topicId), ...reads(topic, topicId)];
}

function drawn(): Seed[] {
  const seeds: Seed[] = [];
  for (const api of Object.values(kafka.apis) as unknown as AnyApi[])
    for (let version = api.versions[0]; version <= api.versions[1]; version += 1) {
      const arbitrary = arbitraryOf(api.request.type, version, version >= api.flexibleFrom);
      for (const request of fc.sample(arbitrary, { numRuns: 2, seed: api.key * 100 + version }))
        seeds.push({ frame: encoded(api, version, request), batchAt: null });
    }
  return seeds;
}

function writes(name: string, topicId: Uuid): Seed[] {
  const plain = encodeBatchSync(
    [1, 2, 3].map((at) => ({ key: Buffer.from(`key ${at}`), value: Buffer.from(`value ${at}`), timestamp: 1_767_225_600_000 + at })),
  );
  const sequenced = encodeBatchSync([{ key: null, value: Buffer.from("sequenced"), timestamp: 1_767_225_600_000 }], {
    producerId: 1,
    producerEpoch: 0,
    baseSequence: 0,
  });
  return [3, 7, 9, 11, 13].flatMap((version) =>
    [plain, sequenced].map((records) => {
      const topicData = [{ name, topicId, partitionData: [{ index: 0, records }] }];
      const frame = encoded(kafka.apis.produce, version, { acks: -1, timeoutMs: 100, topicData });
      return { frame, batchAt: Buffer.from(frame).indexOf(records) };
    }),
  );
}

function reads(topic: string, topicId: Uuid): Seed[] {
  const fetch = [4, 7, 11, 12, 13, 17].map((version) =>
    encoded(kafka.apis.fetch, version, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1_000_000,
      topics: [{ topic, topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100_000 }] }],
    }),
  );
  const metadata = [1, 4, 9, 12].map((version) =>
    encoded(kafka.apis.metadata, version, {
      topics: [{ name: topic, topicId: "0".repeat(32) as Uuid }],
      allowAutoTopicCreation: false,
    }),
  );
  const offsets = [1, 6, 9].map((version) =>
    encoded(kafka.apis.listOffsets, version, {
      replicaId: -1,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    }),
  );
  return [...fetch, ...metadata, ...offsets].map((frame) => ({ frame, batchAt: null }));
}

function encoded<Written>(api: kafka.Api<unknown, never, Written>, version: number, request: Written): Uint8Array {
  return new Uint8Array(Buffer.concat(kafka.encodeRequest(api, version, header, request)));
}
