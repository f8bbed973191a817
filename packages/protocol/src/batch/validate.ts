import { ProtocolError } from "../errors.ts";
import type { ErrorName } from "../error-table.ts";
import { crcMatches } from "./checksum.ts";
import { readHeader, type BatchHeader } from "./header.ts";
import { words } from "./int64.ts";
import { at as field, attribute, BATCH_HEADER_BYTES, codecNames, LENGTH_PREFIX_BYTES, MAGIC, MIN_RECORD_BYTES } from "./layout.ts";

/** Everything that a leader checks of a produced batch, except what depends on the topic's other settings (timestamps, keys).
 * Looks at the header and the CRC, not into the records.
 * @throws ProtocolError MESSAGE_TOO_LARGE, CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, UNSUPPORTED_COMPRESSION_TYPE, all with `notAppended` */
export function validateBatch(bytes: Uint8Array, limits: { readonly maxBytes: number }): BatchHeader {
  const view = words(bytes);
  checkFrame(bytes, view, limits.maxBytes);
  if (!crcMatches(bytes, view, 0))
    throw refusal("CORRUPT_MESSAGE", "its CRC-32C is not that of its bytes: they changed on the way, send it again");
  const header = readAsSent(view);
  checkNumbering(header);
  checkAttributes(header);
  checkProducer(header);
  return header;
}

function checkFrame(bytes: Uint8Array, view: DataView, maxBytes: number): void {
  if (bytes.length === 0) throw refusal("INVALID_RECORD", "there is none; send exactly one for each partition");
  if (bytes.length > maxBytes)
    throw refusal(
      "MESSAGE_TOO_LARGE",
      `it has ${bytes.length} bytes and the topic takes ${maxBytes}; send smaller batches or raise max.message.bytes of the topic`,
    );
  // The format version is at the same place in all formats, and a short message set of an older one is smaller than a header of today.
  const magic = bytes.length > field.magic ? view.getInt8(field.magic) : MAGIC;
  if (magic !== MAGIC)
    throw refusal("INVALID_RECORD", `it has format version ${magic} and only ${MAGIC} is accepted; use a client of Kafka 0.11 or later`);
  if (bytes.length < BATCH_HEADER_BYTES)
    throw refusal("CORRUPT_MESSAGE", `${bytes.length} bytes came, the header alone has ${BATCH_HEADER_BYTES}`);
  const sizeBytes = LENGTH_PREFIX_BYTES + view.getInt32(field.batchLength);
  if (sizeBytes > bytes.length || sizeBytes < BATCH_HEADER_BYTES)
    throw refusal("CORRUPT_MESSAGE", `its length says ${sizeBytes} bytes and ${bytes.length} came`);
  if (sizeBytes < bytes.length)
    throw refusal("INVALID_RECORD", `${bytes.length - sizeBytes} bytes follow it; send exactly one batch for each partition`);
}

function checkNumbering(header: BatchHeader): void {
  const { baseOffset, recordCount, lastOffsetDelta, sizeBytes, codec } = header;
  if (baseOffset !== 0) throw refusal("INVALID_RECORD", `its base offset is ${baseOffset}; a producer sends 0`);
  if (recordCount === 0) throw refusal("INVALID_RECORD", "it has no records");
  if (lastOffsetDelta !== recordCount - 1)
    throw refusal(
      "INVALID_RECORD",
      `it has ${recordCount} records and last offset delta ${lastOffsetDelta}, which must be ${recordCount - 1}`,
    );
  const mostRecords = Math.floor((sizeBytes - BATCH_HEADER_BYTES) / MIN_RECORD_BYTES);
  if (codec === "none" && recordCount > mostRecords)
    throw refusal("INVALID_RECORD", `it says ${recordCount} records and its ${sizeBytes} bytes hold ${mostRecords} at most`);
}

function checkAttributes(header: BatchHeader): void {
  if (header.isControl) throw refusal("INVALID_RECORD", "it is a control batch, which only a broker writes");
  if (header.timestampType === "append")
    throw refusal("INVALID_TIMESTAMP", "it says that its time is that of its append, which only a broker sets");
  if (header.attributes & attribute.deleteHorizon) throw refusal("INVALID_RECORD", "it has a delete horizon, which only compaction sets");
}

function checkProducer(header: BatchHeader): void {
  const { producerId, producerEpoch, baseSequence, isTransactional } = header;
  if (producerId >= 0 && baseSequence < 0)
    throw refusal("INVALID_RECORD", `it has producer id ${producerId} and base sequence ${baseSequence}, which must be 0 or more`);
  if (producerId >= 0 && producerEpoch < 0)
    throw refusal("INVALID_RECORD", `it has producer id ${producerId} and producer epoch ${producerEpoch}, which must be 0 or more`);
  if (isTransactional && producerId < 0) throw refusal("INVALID_RECORD", "it is transactional and has no producer id");
}

/** The CRC holds, so sending the batch again cannot help. */
function readAsSent(view: DataView): BatchHeader {
  const codec = view.getUint16(field.attributes) & attribute.codec;
  if (codecNames[codec] === undefined)
    throw refusal("UNSUPPORTED_COMPRESSION_TYPE", `it has compression ${codec}, known are 0 to ${codecNames.length - 1}`);
  try {
    return readHeader(view, 0);
  } catch (error) {
    if (error instanceof ProtocolError) throw new ProtocolError("INVALID_RECORD", error.message, { cause: error, notAppended: true });
    throw error;
  }
}

function refusal(error: ErrorName, what: string): ProtocolError {
  return new ProtocolError(error, `Cannot append the record batch: ${what}`, { notAppended: true });
}
