import { crc32c } from "@ottla/protocol";
import { Producers, type ProducedBatch } from "./producers.ts";

const MAGIC = 0x4f505253; // "OPRS"
const VERSION = 1;
const HEADER_BYTES = 20;
const PRODUCER_BYTES = 20;
const BATCH_BYTES = 24;
const CRC_BYTES = 4;
const SEQUENCES = 2 ** 31;

/** Writes what is known of the producers whose batches lie below `offset`: docs/formats/producer-snapshot.md. */
export function encodeProducerSnapshot(offset: number, producers: Producers): Uint8Array {
  let batches = 0;
  for (const [, state] of producers.entries()) batches += state.batches.length;
  const bytes = new Uint8Array(HEADER_BYTES + producers.size * PRODUCER_BYTES + batches * BATCH_BYTES + CRC_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint16(4, VERSION);
  setInt64(view, 8, offset);
  view.setUint32(16, producers.size);
  let at = HEADER_BYTES;
  for (const [producerId, state] of producers.entries()) {
    setInt64(view, at, producerId);
    setInt64(view, at + 8, state.lastActiveMs);
    view.setUint16(at + 16, state.epoch);
    view.setUint8(at + 18, state.batches.length);
    at += PRODUCER_BYTES;
    for (const batch of state.batches) {
      view.setInt32(at, batch.baseSequence);
      view.setInt32(at + 4, batch.lastSequence);
      setInt64(view, at + 8, batch.baseOffset);
      setInt64(view, at + 16, batch.appendTimeMs);
      at += BATCH_BYTES;
    }
  }
  view.setUint32(at, crc32c(bytes.subarray(0, at)));
  return bytes;
}

/** Reads a snapshot, the longest silent producer first.
 * @throws Error that says what does not verify: the caller then takes an older snapshot, or the log from its start */
export function decodeProducerSnapshot(bytes: Uint8Array, limit: number): { offset: number; producers: Producers } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - CRC_BYTES;
  if (end < HEADER_BYTES) throw new Error(`${bytes.length} bytes are no snapshot of producers`);
  if (view.getUint32(0) !== MAGIC) throw new Error("it does not begin with OPRS");
  if (view.getUint16(4) !== VERSION) throw new Error(`its version is ${view.getUint16(4)}, this one reads ${VERSION}`);
  if (view.getUint32(end) !== crc32c(bytes.subarray(0, end))) throw new Error("its checksum does not match");
  const producers = new Producers(limit);
  let at = HEADER_BYTES;
  for (let count = view.getUint32(16); count > 0; count--) {
    const batchCount = view.getUint8(at + 18);
    const state = { epoch: view.getUint16(at + 16), lastActiveMs: getInt64(view, at + 8), batches: [] as ProducedBatch[] };
    const producerId = getInt64(view, at);
    at += PRODUCER_BYTES;
    for (let i = 0; i < batchCount; i++, at += BATCH_BYTES) state.batches.push(readBatch(view, at));
    producers.restore(producerId, state);
  }
  return { offset: getInt64(view, 8), producers };
}

function readBatch(view: DataView, at: number): ProducedBatch {
  const baseSequence = view.getInt32(at);
  const lastSequence = view.getInt32(at + 4);
  const baseOffset = getInt64(view, at + 8);
  const records = (lastSequence - baseSequence + SEQUENCES) % SEQUENCES;
  return { baseSequence, lastSequence, baseOffset, lastOffset: baseOffset + records, appendTimeMs: getInt64(view, at + 16) };
}

function setInt64(view: DataView, at: number, value: number): void {
  view.setBigInt64(at, BigInt(value));
}

function getInt64(view: DataView, at: number): number {
  return Number(view.getBigInt64(at));
}
