import { Sender, type SenderOptions } from "./sender.ts";

/** One sender to each broker that leads, made when it is first needed. */
export class Senders {
  readonly #optionsOf: (nodeId: number) => SenderOptions;
  readonly #senders = new Map<number, Sender>();

  constructor(optionsOf: (nodeId: number) => SenderOptions) {
    this.#optionsOf = optionsOf;
  }

  to(nodeId: number): Sender {
    const known = this.#senders.get(nodeId);
    if (known !== undefined) return known;
    const sender = new Sender(this.#optionsOf(nodeId));
    this.#senders.set(nodeId, sender);
    return sender;
  }

  close(): void {
    for (const sender of this.#senders.values()) sender.close();
  }
}
