import type { Store } from "@ottla/host";
import { digestText, sameDigest } from "../state/digest.ts";
import { decodeFact, factKey } from "../state/fact.ts";
import { State } from "../state/state.ts";
import { decodeHeader, HEADER_KEY, type Header } from "./header.ts";
import { openValue } from "./value.ts";

const text = new TextDecoder();

export interface Loaded extends Header {
  readonly state: State;
}

export async function readHeader(store: Store): Promise<Header> {
  const sealed = await store.get(HEADER_KEY);
  if (!sealed) throw new Error("it has no header");
  return decodeHeader(openValue(HEADER_KEY, sealed));
}

/** The state that the store holds, if every value and the whole verify.
 * @throws Error saying what does not
 * @throws OtherFormatError */
export async function load(store: Store): Promise<Loaded> {
  const header = await readHeader(store);
  const state = new State();
  const headerKey = text.decode(HEADER_KEY);
  // In byte order of keys, so that each fact comes after those it refers to.
  for await (const [keyBytes, sealed] of store.scan()) {
    const key = text.decode(keyBytes);
    if (key === headerKey) continue;
    const fact = decodeFact(openValue(keyBytes, sealed));
    if (factKey(fact) !== key) throw new Error(`key "${key}" holds the value of "${factKey(fact)}"`);
    state.replay({ record: fact }, []);
  }
  if (!sameDigest(state.digest, header.digest))
    throw new Error(
      `its ${state.size} values have digest ${digestText(state.digest)}, its header says ${digestText(header.digest)}: values are missing or old`,
    );
  return { ...header, state };
}
