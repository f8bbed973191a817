import { connect, type Socket } from "node:net";
import { kafka } from "@ottla/protocol";
import type { Case } from "./cases.ts";

/** What became of a case. */
export type End = "answered" | "closed" | "waited";

/** A request that waits for more, as a Fetch may, is left after so long; the connection with it. */
const PATIENCE_MS = 250;
// No text, so that no part of a request becomes it when another part is cut out.
const PROBE_ID = 0x7b1d_9ee5;
const probe = ((): Buffer => {
  const parts = kafka.encodeRequest(kafka.apis.apiVersions, 0, { correlationId: PROBE_ID, clientId: "probe", unknownTags: [] }, {});
  const size = Buffer.alloc(4);
  size.writeInt32BE(parts.reduce((sum, part) => sum + part.length, 0));
  return Buffer.concat([size, ...parts]);
})();

/** Sends malformed frames one after the other, on one connection as long as it lasts. Behind each comes a well-formed request: it must be answered,
 * or the connection closed. */
export class Attacker {
  readonly #port: number;
  readonly #host: string;
  #socket: Socket | null = null;
  #received: Buffer = Buffer.alloc(0);
  #settle: ((end: End | Error) => void) | null = null;
  connections = 0;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  /** Rejects when the server can no longer be reached, or answers what nobody can read. */
  async run({ bytes, sized }: Case): Promise<End> {
    const socket = this.#socket ?? (await this.#connect());
    const end = await new Promise<End | Error>((resolve) => {
      const timer = setTimeout(() => this.#settle?.("waited"), PATIENCE_MS);
      this.#settle = (how) => {
        clearTimeout(timer);
        this.#settle = null;
        resolve(how);
      };
      if (sized) socket.write(Buffer.concat([bytes, probe]));
      else socket.end(bytes);
    });
    if (end !== "answered") this.close();
    if (end instanceof Error) throw end;
    return end;
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.resetAndDestroy();
  }

  async #connect(): Promise<Socket> {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (error) => reject(new Error(`The node takes no connection: ${error.message}`, { cause: error })));
    });
    this.connections += 1;
    this.#socket = socket;
    this.#received = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#receive(socket, chunk));
    socket.on("close", () => {
      if (this.#socket === socket) this.#settle?.("closed");
    });
    return socket;
  }

  #receive(socket: Socket, chunk: Buffer): void {
    if (this.#socket !== socket) return;
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 8) {
      const size = this.#received.readInt32BE();
      if (size < 4) return this.#settle?.(new Error(`The node answered with a size of ${size}`));
      if (this.#received.length < 4 + size) return;
      const isProbe = this.#received.readInt32BE(4) === PROBE_ID;
      const wrong = isProbe ? whatIsWrong(this.#received.subarray(4, 4 + size)) : null;
      if (wrong !== null) return this.#settle?.(new Error(wrong));
      this.#received = this.#received.subarray(4 + size);
      if (isProbe) this.#settle?.("answered");
    }
  }
}

/** @returns null for a right answer to the well-formed request */
function whatIsWrong(frame: Buffer): string | null {
  try {
    const { body } = kafka.decodeResponse(kafka.apis.apiVersions, 0, frame);
    return body.errorCode === 0 && body.apiKeys.length > 0 ? null : `A well-formed request got ${JSON.stringify(body)}`;
  } catch (error) {
    return `A well-formed request got what cannot be read: ${String(error)}\n${frame.toString("hex")}`;
  }
}
