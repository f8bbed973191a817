import { randomBytes } from "node:crypto";
import type { Channel, Metadata, StatusObject } from "@grpc/grpc-js";
import { aborted } from "../../aborted.ts";
import { NetworkError, type DialOptions } from "../../network.ts";
import { readAttributes, writeAttributes } from "./attributes.ts";
import { Gathered } from "./gathered.ts";
import { GrpcSession, type Stream } from "./grpc-session.ts";
import type { Grpc } from "./grpc.ts";
import { reasonOf } from "./status.ts";

/** A gRPC client cannot say why it ends a stream. Ours sends a last message that begins with a token which it announced
 * when it dialled, and which no frame can begin with by chance. */
export const FAREWELL = "ottla-farewell";
export const FAREWELL_TOKEN_BYTES = 16;

type Call = ReturnType<Channel["createCall"]>;

export interface Dialled {
  readonly session: GrpcSession;
  /** Resolves when the stream is over, which is later than the session's own end. */
  readonly over: Promise<void>;
  cancel(): void;
}

/** Opens a stream on the channel and waits until the peer accepts it as a session. */
export function dialStream(grpc: Grpc, channel: Channel, peer: string, service: string, options: DialOptions): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    if (signal.aborted) return reject(aborted(peer, signal));
    const token = randomBytes(FAREWELL_TOKEN_BYTES);
    const call = channel.createCall(`/${service}`, Infinity, null, null, null);
    const stream = new DialledStream(call, token);
    let session: GrpcSession | null = null;
    let finishOver: () => void = () => {};
    const over = new Promise<void>((done) => {
      finishOver = done;
    });
    const onAbort = (): void => {
      reject(aborted(peer, signal));
      call.cancelWithStatus(grpc.status.CANCELLED, "the dialling side gave up");
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const metadata = new grpc.Metadata();
    writeAttributes(options.attributes, metadata);
    metadata.set(FAREWELL, token.toString("hex"));
    call.start(metadata, {
      onReceiveMetadata(answer: Metadata) {
        signal.removeEventListener("abort", onAbort);
        if (signal.aborted) return;
        session = new GrpcSession(service, peer, readAttributes(answer), stream);
        session.start();
        resolve({ session, over, cancel: () => call.cancelWithStatus(grpc.status.CANCELLED, "closed") });
      },
      onReceiveMessage(message: Uint8Array) {
        session?.received(message);
      },
      onReceiveStatus(status: StatusObject) {
        signal.removeEventListener("abort", onAbort);
        const reason = reasonOf(grpc, status, peer, session !== null);
        if (session === null) reject(new NetworkError(reason));
        else session.end(reason);
        finishOver();
      },
    });
  });
}

class DialledStream implements Stream {
  readonly #call: Call;
  readonly #token: Buffer;
  #unwritten = 0;
  #finishing = false;

  constructor(call: Call, token: Buffer) {
    this.#call = call;
    this.#token = token;
  }

  read(): void {
    this.#call.startRead();
  }

  write(message: Gathered, written: () => void): void {
    this.#unwritten += 1;
    const callback = (): void => {
      this.#unwritten -= 1;
      written();
      if (this.#finishing && this.#unwritten === 0) this.#call.halfClose();
    };
    this.#call.sendMessageWithContext({ callback }, message.asMessage());
  }

  // Messages pass asynchronous filters inside the library, which an early half-close would overtake.
  finish(): void {
    this.#finishing = true;
    if (this.#unwritten === 0) this.#call.halfClose();
  }

  fail(reason: { code: string; message: string }): void {
    const farewell = [this.#token, Buffer.from(JSON.stringify([reason.code, reason.message]))];
    this.write(new Gathered(farewell, () => {}), () => {});
    this.finish();
  }
}
