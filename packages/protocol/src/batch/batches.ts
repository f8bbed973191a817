import { view } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { readBatchHeader, type BatchHeader } from "./header.ts";

/** Whole batches that stand one after the other, as views.
 * @throws ProtocolError CORRUPT_MESSAGE when one is impossible or cut off */
export function* batches(bytes: Uint8Array): Generator<{ readonly header: BatchHeader; readonly bytes: Uint8Array }, void, undefined> {
  for (let at = 0; at < bytes.length;) {
    const header = readBatchHeader(bytes, at);
    const end = at + header.sizeBytes;
    if (end > bytes.length)
      throw new ProtocolError(
        "CORRUPT_MESSAGE",
        `Cannot read the record batch at byte ${at}: it has ${header.sizeBytes} bytes, ${bytes.length - at} are left`,
      );
    yield { header, bytes: view(bytes, at, end) };
    at = end;
  }
}
