/** Why data could not be decompressed. Thrown before anything of the announced size is allocated. */
export function tooLarge(codec: string, bytes: number, maxOutputBytes: number): Error {
  return new Error(`Cannot decompress ${codec} data: it expands to ${bytes} bytes or more, ${maxOutputBytes} are allowed`);
}

export function damaged(codec: string, why: string, cause?: unknown): Error {
  return new Error(`Cannot decompress ${codec} data: ${why}`, { cause });
}

/** Refuses what a snappy block says it expands to; the library allocates that much before it looks further. */
export function checkSnappy(data: Uint8Array, maxOutputBytes: number): void {
  let size = 0;
  for (let at = 0; at < 5; at += 1) {
    const byte = data[at];
    if (byte === undefined) break;
    size += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) {
      if (size > maxOutputBytes) throw tooLarge("snappy", size, maxOutputBytes);
      return;
    }
  }
  throw damaged("snappy", "its length preamble is not complete");
}
