const FOLD_LIMIT = 2 ** 30;

/** Signed numbers are folded (0, -1, 1, -2 … become 0, 1, 2, 3 …) and written seven bits a byte, the lowest first. All of these are
 * exact for safe integers; the folded number may need one bit more than a safe integer has, so large ones go by half of it. */
export function varintBytes(value: number): number {
  if (value >= -64 && value < 64) return 1;
  let rest = Math.floor((value < 0 ? -(value + 1) : value) / 64);
  let bytes = 1;
  for (; rest > 0; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** @returns where the next byte goes */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  if (value >= -FOLD_LIMIT && value < FOLD_LIMIT) {
    let folded = (value << 1) ^ (value >> 31);
    for (; folded > 127; folded >>>= 7) into[at++] = (folded & 127) | 128;
    into[at] = folded;
    return at + 1;
  }
  const half = value < 0 ? -(value + 1) : value;
  into[at++] = (half % 64) * 2 + (value < 0 ? 1 : 0) + 128;
  let rest = Math.floor(half / 64);
  for (; rest > 127; rest = Math.floor(rest / 128)) into[at++] = (rest % 128) | 128;
  into[at] = rest;
  return at + 1;
}
