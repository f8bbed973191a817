import { connect, type Socket } from "node:net";
import { kafka } from "@ottla/protocol";

/** A connection that speaks Kafka's protocol one request at a time: what no client shows can be seen through it. */
export class KafkaWire implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #frames: AsyncIterator<Uint8Array>;
  #correlationId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#frames = frames(socket);
  }

  /** @param address HOST:PORT */
  static async connect(address: string): Promise<KafkaWire> {
    const at = address.lastIndexOf(":");
    const socket = connect(Number(address.slice(at + 1)), address.slice(0, at));
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new KafkaWire(socket);
  }

  /** Rejects when the connection ends without an answer. */
  async ask<Written, Read>(api: kafka.Api<unknown, never, Written, Read>, version: number, request: Written): Promise<Read> {
    const correlationId = (this.#correlationId += 1);
    this.send(kafka.encodeRequest(api, version, { correlationId, clientId: "wire", unknownTags: [] }, request));
    const { done, value } = await this.#frames.next();
    if (done) throw new Error(`The connection ended without an answer to ${api.name}`);
    const answer = kafka.decodeResponse(api, version, value);
    if (answer.correlationId !== correlationId) throw new Error(`Answer ${answer.correlationId} to request ${correlationId}`);
    return answer.body;
  }

  /** Sends a frame, its size before it. */
  send(parts: readonly Uint8Array[]): void {
    const size = Buffer.alloc(4);
    size.writeInt32BE(parts.reduce((sum, part) => sum + part.length, 0));
    this.#socket.write(Buffer.concat([size, ...parts]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }
}

/** Frames of a socket, without their sizes; ends with the socket, however that ends. */
async function* frames(socket: Socket): AsyncGenerator<Uint8Array> {
  let left = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      left = Buffer.concat([left, chunk as Buffer]);
      for (let size = frameSize(left); size !== null; size = frameSize(left)) {
        yield left.subarray(4, size);
        left = left.subarray(size);
      }
    }
  } catch {
    // A reset is an end, too.
  }
}

function frameSize(bytes: Buffer): number | null {
  if (bytes.length < 4) return null;
  const size = 4 + bytes.readInt32BE();
  return bytes.length < size ? null : size;
}
