import type { Frame } from "@ottla/host";
import { pb, ProtocolError } from "@ottla/protocol";

/** Kind (u8), length of the header (u32). */
const PREFIX_BYTES = 5;

interface Headers {
  attach: pb.ReplicationAttach;
  detach: pb.ReplicationDetach;
  progress: pb.ReplicationProgress;
  from: pb.ReplicationFrom;
  diverged: pb.ReplicationDiverged;
  data: pb.ReplicationData;
  watermarks: pb.ReplicationWatermarks;
  refused: pb.ReplicationRefused;
  producers: pb.ReplicationProducers;
  gap: pb.ReplicationGap;
}
type Kind = keyof Headers;

interface HeaderType<H> {
  readonly code: number;
  readonly encode: (header: H) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => H;
}

const kinds: { readonly [K in Kind]: HeaderType<Headers[K]> } = {
  attach: { code: 1, ...pb.ReplicationAttach },
  detach: { code: 2, ...pb.ReplicationDetach },
  progress: { code: 3, ...pb.ReplicationProgress },
  from: { code: 11, ...pb.ReplicationFrom },
  diverged: { code: 12, ...pb.ReplicationDiverged },
  data: { code: 13, ...pb.ReplicationData },
  watermarks: { code: 14, ...pb.ReplicationWatermarks },
  refused: { code: 15, ...pb.ReplicationRefused },
  producers: { code: 16, ...pb.ReplicationProducers },
  gap: { code: 17, ...pb.ReplicationGap },
};

/** A frame as it came; `body` is the raw bytes behind the header, a view. */
export type ReplicationFrame = { [K in Kind]: { readonly kind: K; readonly header: Headers[K]; readonly body: Uint8Array } }[Kind];

const kindOfCode = new Map<number, Kind>((Object.keys(kinds) as Kind[]).map((kind) => [kinds[kind].code, kind]));

/** The parts of a frame; the body is not copied. */
export function encodeFrame<K extends Kind>(kind: K, header: Headers[K], body: readonly Uint8Array[] = []): Frame {
  const { code, encode } = kinds[kind];
  const encoded = encode(header);
  const prefix = new Uint8Array(PREFIX_BYTES);
  prefix[0] = code;
  new DataView(prefix.buffer).setUint32(1, encoded.length);
  return [prefix, encoded, ...body];
}

/** @throws ProtocolError INVALID_REQUEST for anything that is no frame */
export function decodeFrame(frame: Uint8Array): ReplicationFrame {
  if (frame.length < PREFIX_BYTES) throw malformed(`${frame.length} bytes are fewer than its first ${PREFIX_BYTES}`);
  const code = frame[0] ?? 0;
  const kind = kindOfCode.get(code);
  if (kind === undefined) throw malformed(`kind ${code} is not known`);
  const length = new DataView(frame.buffer, frame.byteOffset).getUint32(1);
  if (length > frame.length - PREFIX_BYTES) throw malformed(`its header has ${length} bytes, ${frame.length - PREFIX_BYTES} are left`);
  const end = PREFIX_BYTES + length;
  const header = kinds[kind].decode(frame.subarray(PREFIX_BYTES, end));
  return { kind, header, body: frame.subarray(end) } as ReplicationFrame;
}

function malformed(why: string): ProtocolError {
  return new ProtocolError("INVALID_REQUEST", `Cannot read a frame of replication: ${why}`);
}
