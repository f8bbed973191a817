import { FrameQueue } from "../../frame-queue.ts";
import { NetworkError, type Attributes, type Frame, type Reason, type Session } from "../../network.ts";
import { SendWindow, WINDOW_BYTES } from "../../send-window.ts";
import { Gathered } from "./gathered.ts";

/** One bidirectional gRPC stream, seen from either end. */
export interface Stream {
  /** Asks for one message. */
  read(): void;
  /** Sends one message; `written` is called when it has left this process, and never if the stream breaks before. */
  write(message: Gathered, written: () => void): void;
  /** Ends this direction after what was written. */
  finish(): void;
  /** Ends the stream after what was written and says why. */
  fail(reason: { code: string; message: string }): void;
}

/** Keeps a session's promises on top of a gRPC stream: window, reading ahead, one end. */
export class GrpcSession implements Session {
  readonly service: string;
  readonly peer: string;
  readonly attributes: Attributes;
  readonly closed: Promise<Reason>;
  readonly #stream: Stream;
  readonly #inbox = new FrameQueue(() => this.#readOn());
  readonly #window = new SendWindow();
  readonly #resolveClosed: (reason: Reason) => void;
  #ended: Reason | null = null;
  /** A read is asked for and not answered. */
  #reading = false;

  constructor(service: string, peer: string, attributes: Attributes, stream: Stream) {
    this.service = service;
    this.peer = peer;
    this.attributes = attributes;
    this.#stream = stream;
    let resolveClosed: (reason: Reason) => void = () => {};
    this.closed = new Promise((resolve) => {
      resolveClosed = resolve;
    });
    this.#resolveClosed = resolveClosed;
  }

  get frames(): AsyncIterable<Uint8Array> {
    return this.#inbox;
  }

  /** Begins to read, once the session is accepted. */
  start(): void {
    this.#readOn();
  }

  send(frame: Frame): Promise<void> {
    if (this.#ended !== null) return Promise.reject(new NetworkError(this.#ended));
    // The stream looks at the parts later than this on the dialling side, because messages pass filters there.
    const message = new Gathered(frame, () => this.#window.release(sending));
    const { length } = message;
    const sending = this.#window.enter(length, true);
    this.#stream.write(message, () => this.#window.taken(length));
    return this.#window.passed(sending);
  }

  close(reason?: { code: string; message: string }): void {
    if (this.#ended !== null) return;
    if (reason === undefined) this.#window.finish();
    this.#inbox.discard();
    this.end({ kind: "closed-here", message: `the session with ${this.peer} was closed here` });
    if (reason === undefined) this.#stream.finish();
    else this.#stream.fail(reason);
    // What still arrives is dropped, but the end of the stream comes behind it.
    this.#readOn();
  }

  /** The stream delivers what was asked for by `read`. */
  received(message: Uint8Array): void {
    this.#reading = false;
    if (this.#ended === null) this.#inbox.push(message);
    this.#readOn();
  }

  /** The stream is over, or its end is known. */
  end(reason: Reason): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    this.#inbox.end();
    this.#window.fail(reason);
    this.#resolveClosed(reason);
  }

  #readOn(): void {
    if (this.#reading || this.#inbox.bytes >= WINDOW_BYTES) return;
    this.#reading = true;
    this.#stream.read();
  }
}
