import { crc32c } from "@ottla/protocol";
import { ascii, FieldWriter } from "../format/fields.ts";
import { FILE_HEADER_BYTES, type FileFormat, hasHeader } from "../format/file-header.ts";
import { decodeState, type LogState } from "./log-state.ts";

export const journalFormat: FileFormat = { magic: "OTTLASTA", version: 1 };
const recordMagic = ascii("OREC");
const RECORD_HEADER_BYTES = 12;

/** What a journal says. */
export interface JournalContent {
  readonly live: Map<string, Uint8Array>;
  readonly states: Map<string, LogState>;
  readonly damaged: boolean;
  readonly goodBytes: number;
}

/** A record as it stands in the journal. */
export function frame(payload: Uint8Array): Uint8Array {
  return new FieldWriter(RECORD_HEADER_BYTES + payload.length)
    .bytes(recordMagic)
    .u32(payload.length)
    .u32(crc32c(payload))
    .bytes(payload)
    .done();
}

/** A record that does not verify is the torn end of the file at or beyond the mark, and damage below it: then what follows still counts. */
export function parseJournal(bytes: Uint8Array, path: string, mark: number): JournalContent {
  const live = new Map<string, Uint8Array>();
  const states = new Map<string, LogState>();
  if (!hasHeader(bytes, journalFormat, path)) return { live, states, damaged: bytes.length > 0 || mark > 0, goodBytes: 0 };
  let goodBytes = FILE_HEADER_BYTES;
  let damaged = false;
  for (let at = FILE_HEADER_BYTES; at < bytes.length;) {
    const found = recordAt(bytes, at);
    if (found === null) {
      if (goodBytes >= mark) break;
      at++;
      continue;
    }
    damaged ||= at !== goodBytes;
    at += found.record.length;
    goodBytes = at;
    if (found.state === null) {
      live.delete(found.name);
      states.delete(found.name);
    } else {
      live.set(found.name, found.record);
      states.set(found.name, found.state);
    }
  }
  return { live, states, damaged: damaged || goodBytes < mark, goodBytes };
}

function recordAt(bytes: Uint8Array, at: number): { record: Uint8Array; name: string; state: LogState | null } | null {
  if (at + RECORD_HEADER_BYTES > bytes.length || !recordMagic.every((byte, index) => bytes[at + index] === byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  const length = view.getUint32(4);
  if (at + RECORD_HEADER_BYTES + length > bytes.length) return null;
  const record = bytes.subarray(at, at + RECORD_HEADER_BYTES + length);
  const payload = record.subarray(RECORD_HEADER_BYTES);
  if (view.getUint32(8) !== crc32c(payload)) return null;
  try {
    return { record, ...decodeState(payload) };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
