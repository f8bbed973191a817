import { FrameAssembler } from "../frame-assembler.ts";
import { FrameQueue } from "../frame-queue.ts";
import {
  NetworkError,
  type Address,
  type Frame,
  type FramedConnection,
  type FramedListenOptions,
  LARGE_FRAME_BYTES,
  type Reason,
  type Session,
} from "../network.ts";

/** The service under which a simulated machine is dialled for bytes instead of sessions. */
export const BYTES = "bytes";

const UNREAD_BYTES = 65_536;

/** Messages with their size before them, over a session whose frames are bytes as a socket would bring them. */
export class MemoryFramedConnection implements FramedConnection {
  readonly peer: string;
  readonly local: Address;
  readonly remote: Address;
  readonly closed: Promise<Reason>;
  readonly #session: Session;
  readonly #options: FramedListenOptions;
  readonly #assembler: FrameAssembler;
  readonly #queue: FrameQueue;
  readonly #scratch = new Uint8Array(65_536);
  #endedHere: Reason | null = null;
  #roomless = false;
  /** Wakes the reader of bytes. */
  #onFlow: (() => void) | null = null;

  constructor(session: Session, local: Address, options: FramedListenOptions) {
    this.#session = session;
    this.#options = options;
    this.peer = session.peer;
    this.local = local;
    this.remote = { host: session.peer, port: 0 };
    this.#queue = new FrameQueue(() => this.#onFlow?.());
    this.#assembler = new FrameAssembler(this.#scratch, {
      maxFrameBytes: options.maxFrameBytes,
      room: options.room,
      frame: (frame) => this.#queue.push(frame),
      group: (group) => this.#queue.pushGroup(group),
      malformed: (head) => this.#break({ kind: "closed-here", code: "MALFORMED", message: options.malformed(head) }),
      waiting: () => (this.#roomless = true),
      resumed: () => {
        this.#roomless = false;
        this.#onFlow?.();
      },
    });
    this.closed = session.closed.then((reason) => this.#endedHere ?? reason);
    void session.closed.then(() => this.#onFlow?.());
    void this.#read();
  }

  get frames(): AsyncIterable<Uint8Array> {
    return this.#queue;
  }

  get #full(): boolean {
    return this.#roomless || this.#queue.bytes >= UNREAD_BYTES;
  }

  get arriving(): { readonly bytes: number; readonly received: number } | null {
    return this.#full ? null : this.#assembler.arriving;
  }

  send(frame: Frame): Promise<void> {
    if (this.#endedHere !== null) return Promise.reject(new NetworkError(this.#endedHere));
    let bytes = 0;
    for (const part of frame) bytes += part.byteLength;
    const size = new Uint8Array(4);
    new DataView(size.buffer).setInt32(0, bytes);
    return this.#session.send([size, ...frame]);
  }

  close(reason?: string): void {
    if (reason !== undefined) return this.#break({ kind: "closed-here", message: reason });
    this.#close({ kind: "closed-here", message: `the connection to ${this.peer} was closed here` }, () => this.#session.close());
  }

  /** What was sent and has not arrived is lost. */
  #break(reason: Reason): void {
    this.#close(reason, () => this.#session.close({ code: reason.code ?? "BROKEN", message: reason.message }));
  }

  #close(reason: Reason, end: () => void): void {
    if (this.#endedHere !== null) return;
    this.#endedHere = reason;
    this.#assembler.end();
    this.#onFlow?.();
    const { room } = this.#options;
    for (const { byteLength } of this.#queue.discard()) if (byteLength > LARGE_FRAME_BYTES) room.give(Math.min(byteLength, room.limit));
    end();
  }

  async #read(): Promise<void> {
    for await (const bytes of this.#session.frames) {
      for (let at = 0; at < bytes.byteLength && this.#endedHere === null;) {
        while (this.#full && this.#endedHere === null) await new Promise<void>((resolve) => (this.#onFlow = resolve));
        const { target } = this.#assembler;
        const some = bytes.subarray(at, at + target.byteLength);
        target.set(some);
        this.#assembler.filled(some.byteLength, target);
        at += some.byteLength;
      }
    }
    this.#assembler.end();
    this.#queue.end();
  }
}
