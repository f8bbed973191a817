/** Bytes that are no such message. The connection they came over cannot be trusted any further. */
export class MalformedFrame extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MalformedFrame";
  }
}
