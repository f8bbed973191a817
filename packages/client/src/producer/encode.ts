import type { Codecs } from "@ottla/host";
import { encodeBatch, encodeBatchSync, type BatchOptions } from "@ottla/protocol";
import type { Batch } from "./batch.ts";
import type { Identity } from "./lane.ts";
import type { ProducerSettings } from "./settings.ts";

/** Writes the batch under its sequence: at once, or in the background when it is compressed; then the promise tells when.
 * @throws ProtocolError (also as a rejection) when the codec is not installed */
export function encode(
  batch: Batch,
  identity: Identity | null,
  compression: ProducerSettings["compression"],
  codecs: Codecs,
): Promise<void> | null {
  const options: BatchOptions =
    identity === null ? {} : { producerId: identity.producerId, producerEpoch: identity.epoch, baseSequence: batch.sequence };
  if (compression === "none") {
    batch.encoded = encodeBatchSync(batch.records, options);
    return null;
  }
  const { attempt } = batch;
  batch.encoding = true;
  return encodeBatch(batch.records, { ...options, codec: compression, codecs })
    .then((encoded) => {
      if (batch.attempt === attempt) batch.encoded = encoded; // else it got another sequence meanwhile
    })
    .finally(() => {
      batch.encoding = false;
    });
}
