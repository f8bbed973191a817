/** Something that decodes bytes which nobody has checked. */
export interface Target {
  readonly name: string;
  /** How many times fewer cases it gets than the cheapest, because one takes so much longer. */
  readonly cost: number;
  /** Well-formed inputs, from which the malformed are made. */
  seeds(): Promise<readonly Uint8Array[]>;
  /** Throws when the decoder did what it must not: an error that is not documented, a wrong answer, too much memory.
   * Resolves with whether the bytes were read, or refused as documented. */
  check(bytes: Uint8Array): Promise<boolean>;
}

/** Resolves with undefined when it was refused with an error that `isDocumented` knows. */
export async function orRefused<T>(decode: () => T | Promise<T>, isDocumented: (error: unknown) => boolean): Promise<T | undefined> {
  try {
    return await decode();
  } catch (error) {
    if (!isDocumented(error)) throw error;
    return undefined;
  }
}
