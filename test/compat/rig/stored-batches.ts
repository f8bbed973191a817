import { batches, type BatchHeader, kafka } from "@ottla/protocol";
import type { Place } from "../client.ts";
import { KafkaWire } from "./wire.ts";

/** Headers of the batches that a partition of a cluster of one node stores: codec and sequences as the producer made them. */
export async function storedBatches(bootstrap: string, { topic, partition }: Place): Promise<BatchHeader[]> {
  await using wire = await KafkaWire.connect(bootstrap);
  const found: BatchHeader[] = [];
  for (let fetchOffset = 0; ; fetchOffset = (found.at(-1)?.lastOffset ?? -1) + 1) {
    const answer = await wire.ask(kafka.apis.fetch, 4, {
      maxWaitMs: 100,
      minBytes: 1,
      maxBytes: 10_000_000,
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 10_000_000 }] }],
    });
    const [result] = answer.responses[0]?.partitions ?? [];
    if (result?.errorCode !== 0 || !result.records) throw new Error(`Fetch of ${topic}-${partition} said ${JSON.stringify(answer)}`);
    const more = [...batches(result.records)].map(({ header }) => header);
    if (more.length === 0) return found;
    found.push(...more);
  }
}
