import type { Codecs } from "@ottla/host";
import { allocate, view } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { words } from "./int64.ts";

// "\x82SNAPPY\0", then two version numbers of four bytes.
const MAGIC = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00);
const HEADER_BYTES = 16;

/** Whether the data is framed as snappy-java does it. A raw block cannot begin so: it would announce 10 626 bytes and then begin with a copy of earlier ones. */
export function isXerial(data: Uint8Array): boolean {
  return data.length >= HEADER_BYTES && MAGIC.every((byte, i) => data[i] === byte);
}

/** Joins the blocks, each a length of four bytes and a raw snappy block. */
export async function readXerial(data: Uint8Array, codecs: Codecs, maxOutputBytes: number): Promise<Uint8Array> {
  const lengths = words(data);
  const blocks: Uint8Array[] = [];
  let outputBytes = 0;
  for (let at = HEADER_BYTES; at < data.length;) {
    const left = data.length - at - 4;
    const length = left < 0 ? -1 : lengths.getInt32(at);
    if (length <= 0 || length > left)
      throw new ProtocolError("CORRUPT_MESSAGE", `Cannot decompress snappy: a block of ${length} bytes at byte ${at}, ${left} are left`);
    const block = await codecs.decompress("snappy", view(data, at + 4, at + 4 + length), maxOutputBytes - outputBytes);
    blocks.push(block);
    outputBytes += block.length;
    at += 4 + length;
  }
  const [first] = blocks;
  if (blocks.length === 1 && first !== undefined) return first;
  const output = allocate(outputBytes);
  let at = 0;
  for (const block of blocks) {
    output.set(block, at);
    at += block.length;
  }
  return output;
}
