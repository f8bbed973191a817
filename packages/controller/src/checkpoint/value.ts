import { crc32c } from "@ottla/protocol";

const KEY_LENGTH_BYTES = 2;
const LENGTH_BYTES = 4;
const CRC_BYTES = 4;

/** A value as a checkpoint stores it: key length, key, length, content, CRC-32C of all that. LevelDB was seen to return flipped bits and values
 * of other keys without an error, so nothing that it returns is believed. */
export function sealValue(key: Uint8Array, content: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(KEY_LENGTH_BYTES + key.length + LENGTH_BYTES + content.length + CRC_BYTES);
  const view = new DataView(sealed.buffer);
  view.setUint16(0, key.length, true);
  sealed.set(key, KEY_LENGTH_BYTES);
  view.setUint32(KEY_LENGTH_BYTES + key.length, content.length, true);
  sealed.set(content, KEY_LENGTH_BYTES + key.length + LENGTH_BYTES);
  const end = sealed.length - CRC_BYTES;
  view.setUint32(end, crc32c(sealed.subarray(0, end)), true);
  return sealed;
}

/** @throws Error saying what does not fit */
export function openValue(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const damaged = (what: string): Error => new Error(`the value of key "${Buffer.from(key).toString()}" is damaged: ${what}`);
  const end = sealed.length - CRC_BYTES;
  const contentAt = KEY_LENGTH_BYTES + key.length + LENGTH_BYTES;
  if (end < contentAt) throw damaged(`it has ${sealed.length} bytes`);
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.length);
  if (view.getUint32(end, true) !== crc32c(sealed.subarray(0, end))) throw damaged("its checksum does not match");
  if (view.getUint16(0, true) !== key.length || key.some((byte, at) => sealed[KEY_LENGTH_BYTES + at] !== byte))
    throw damaged("it belongs to another key");
  if (view.getUint32(contentAt - LENGTH_BYTES, true) !== end - contentAt) throw damaged("its length does not match");
  return sealed.subarray(contentAt, end);
}
