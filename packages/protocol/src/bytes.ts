const ZEROED_BELOW = 4096;

/** Bytes for the caller to fill entirely: above a page they are not zeroed first. Never part of a shared pool, so that keeping a
 * few bytes keeps no more than them. */
export function allocate(length: number): Uint8Array {
  return length < ZEROED_BELOW ? new Uint8Array(length) : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer, 0, length);
}

/** Without a copy, as a plain Uint8Array also when `bytes` is a Buffer (whose `slice` would be a view). */
export function view(bytes: Uint8Array, from: number, until: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, until - from);
}
