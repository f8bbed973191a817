import type { Logger, Session } from "@ottla/host";
import { silentLogger } from "@ottla/host";
import { kafka } from "@ottla/protocol";
import type { BrokerRig } from "../broker.test.kit.ts";

type AnyApi<Written> = kafka.Api<unknown, never, Written>;

export function requestFrame<Written>(
  api: AnyApi<Written>,
  version: number,
  body: Written,
  correlationId: number,
  clientId = "test",
): Buffer {
  return Buffer.concat(kafka.encodeRequest(api, version, { correlationId, clientId }, body));
}

export function withSize(frame: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(frame.length);
  return Buffer.concat([size, frame]);
}

/** A connection on which a test says bytes, and hears whole answers by their correlation ids. */
export class Wire {
  /** Correlation ids in the order in which the answers came. */
  readonly answered: number[] = [];
  readonly answers: Buffer[] = [];
  ended = false;
  readonly #rig: BrokerRig;
  readonly #session: Session;

  private constructor(rig: BrokerRig, session: Session, reads: boolean) {
    this.#rig = rig;
    this.#session = session;
    void session.closed.then(() => (this.ended = true));
    if (reads) void this.#read();
  }

  static async open(rig: BrokerRig, { listener = 0, reads = true } = {}): Promise<Wire> {
    const address = rig.kafka[listener];
    if (address === undefined) throw new Error(`there is no listener ${listener}`);
    return new Wire(rig, await rig.run(rig.host.network.dialBytes(address, new AbortController().signal)), reads);
  }

  say(bytes: Uint8Array): Promise<void> {
    return this.#session.send([bytes]);
  }

  async ask<Written>(api: AnyApi<Written>, version: number, body: Written, correlationId: number): Promise<void> {
    await this.say(withSize(requestFrame(api, version, body, correlationId)));
  }

  /** What is answered to a request. */
  async answer(correlationId: number): Promise<Buffer> {
    await this.#rig.host.clock.runUntil(() => this.answered.includes(correlationId) || this.ended);
    const answer = this.answers[this.answered.indexOf(correlationId)];
    if (answer === undefined) throw new Error(`the connection ended before request ${correlationId} was answered`);
    return answer;
  }

  /** Lets everything happen that can happen at once. */
  async settled(): Promise<void> {
    await this.#rig.host.clock.advance(1);
  }

  close(): void {
    this.#session.close();
  }

  async #read(): Promise<void> {
    let received = Buffer.alloc(0);
    for await (const chunk of this.#session.frames) {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const end = 4 + received.readInt32BE(0);
        this.answered.push(received.readInt32BE(4));
        this.answers.push(received.subarray(4, end));
        received = received.subarray(end);
      }
    }
  }
}

/** Remembers what is warned of, and worse. */
export function listeningLogger(): { logger: Logger; said: string[] } {
  const said: string[] = [];
  const hear = (_: object, text: string): void => void said.push(text);
  const logger: Logger = { ...silentLogger, warn: hear, error: hear, child: () => logger };
  return { logger, said };
}
