const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Undefined when the bytes are not UTF-8. Names are short and ASCII: those skip the decoder's fixed cost. */
export function readText(bytes: Uint8Array, from: number, until: number): string | undefined {
  let text = "";
  if (until - from <= 32) {
    let at = from;
    for (; at < until; at++) {
      const byte = bytes[at] as number;
      if (byte >= 128) break;
      text += String.fromCharCode(byte);
    }
    if (at === until) return text;
  }
  try {
    return strict.decode(bytes.subarray(from, until));
  } catch {
    return undefined;
  }
}
