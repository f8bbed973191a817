import { digestText } from "./digest.ts";

/** This replica's state is not the one that an entry was decided on. */
export class DigestMismatch extends Error {
  override readonly name = "DigestMismatch";
  readonly index: number;

  constructor(index: number, decidedOn: Uint8Array, here: Uint8Array) {
    super(
      `Entry ${index} of the controller's log was decided on a state with digest ${digestText(decidedOn)}, the state here has digest ${digestText(here)}`,
    );
    this.index = index;
  }
}
