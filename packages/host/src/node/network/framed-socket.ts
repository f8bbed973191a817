import type net from "node:net";
import { FrameAssembler } from "../../frame-assembler.ts";
import { FrameQueue } from "../../frame-queue.ts";
import {
  NetworkError,
  type Address,
  type Frame,
  type FramedConnection,
  type FramedListenOptions,
  LARGE_FRAME_BYTES,
  type Reason,
} from "../../network.ts";
import { takeHandle } from "./taken-handle.ts";

/** Above so many unread bytes nothing more is read. */
const UNREAD_BYTES = 65_536;
/** A connection that was closed here ends behind everything that was sent, and behind what the peer still says: data that nobody reads would
 * turn the end into a reset, which takes the last answers away. A peer that does not end its side within this time is broken off. */
const LINGER_MS = 2000;
/** A peer whose machine vanished without a word is noticed after this time of silence and ten probes, a second each. */
const KEEPALIVE_MS = 60_000;

const SIZE_BYTES = 4;
const SMALL_BYTES = 4096;

/** Into which connections read between two messages; what comes is taken out within the same callback. */
const scratch = new Uint8Array(Buffer.allocUnsafeSlow(65_536).buffer);

export class FramedSocket implements FramedConnection {
  readonly peer: string;
  readonly local: Address;
  readonly remote: Address;
  readonly closed: Promise<Reason>;
  /** Resolves when nothing is left of it. */
  readonly over: Promise<void>;
  readonly #socket: net.Socket;
  readonly #assembler: FrameAssembler;
  readonly #queue: FrameQueue;
  readonly #options: FramedListenOptions;
  #ended: Reason | null = null;
  #resolveClosed: (reason: Reason) => void = () => {};
  /** No room for the message that arrives. */
  #roomless = false;
  #paused = false;
  #corked = false;

  /** Takes over a connection just accepted, of which nothing has been read. */
  constructor(accepted: net.Socket, options: FramedListenOptions, onOver: () => void) {
    this.#options = options;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#queue = new FrameQueue(() => this.#flow());
    this.#assembler = new FrameAssembler(scratch, {
      maxFrameBytes: options.maxFrameBytes,
      room: options.room,
      frame: (frame) => this.#queue.push(frame),
      group: (group) => this.#queue.pushGroup(group),
      malformed: (head) => this.#break({ kind: "closed-here", code: "MALFORMED", message: options.malformed(head) }),
      waiting: () => this.#setRoomless(true),
      resumed: () => this.#setRoomless(false),
    });
    const socket = takeHandle(accepted, {
      buffer: () => this.#assembler.target,
      callback: (bytes, into) => {
        this.#assembler.filled(bytes, into);
        this.#flow();
        return true;
      },
    });
    this.#socket = socket;
    this.local = { host: plain(socket.localAddress), port: socket.localPort ?? 0 };
    this.remote = { host: plain(socket.remoteAddress), port: socket.remotePort ?? 0 };
    this.peer = `${this.remote.host}:${this.remote.port}`;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.on("end", () => this.#end({ kind: "finished", message: `${this.peer} closed the connection` }));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      this.#end({
        kind: "reset",
        ...(error.code === undefined ? {} : { code: error.code }),
        message: `the connection to ${this.peer} broke: ${error.message}`,
      }),
    );
    this.over = new Promise((resolve) => {
      socket.on("close", () => {
        this.#end({ kind: "reset", message: `the connection to ${this.peer} broke` });
        this.#assembler.end();
        onOver();
        resolve();
      });
    });
  }

  get frames(): AsyncIterable<Uint8Array> {
    return this.#queue;
  }

  get arriving(): { readonly bytes: number; readonly received: number } | null {
    return this.#paused ? null : this.#assembler.arriving;
  }

  send(frame: Frame): Promise<void> {
    if (this.#ended !== null) return Promise.reject(new NetworkError(this.#ended));
    const socket = this.#socket;
    if (!this.#corked) {
      // Whatever this turn's promises answer leaves together.
      this.#corked = true;
      socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    let bytes = 0;
    for (const part of frame) bytes += part.byteLength;
    const parts = withSize(frame, bytes);
    return new Promise((resolve, reject) => {
      const last = parts.length - 1;
      const done = (error?: Error | null): void => {
        // A write that was under way when the socket was destroyed reports no error.
        if (error || socket.destroyed) reject(new NetworkError(this.#ended ?? { kind: "reset", message: "the connection broke" }));
        else resolve();
      };
      parts.forEach((part, i) => socket.write(part, i === last ? done : undefined));
    });
  }

  close(reason?: string): void {
    if (reason !== undefined) return this.#break({ kind: "closed-here", message: reason });
    this.#discard();
    if (this.#ended !== null) return;
    this.#end({ kind: "closed-here", message: `the connection to ${this.peer} was closed here` });
    this.#assembler.end();
    const socket = this.#socket;
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once("close", () => clearTimeout(timer));
    socket.once("end", () => socket.destroySoon());
    this.#flow();
  }

  /** Without waiting for anything. */
  destroy(): void {
    this.#socket.destroy();
  }

  #break(reason: Reason): void {
    this.#end(reason);
    this.#discard();
    this.#socket.destroy();
  }

  #end(reason: Reason): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    this.#queue.end();
    this.#resolveClosed(reason);
  }

  /** Unread messages go, and the room of the large ones among them. */
  #discard(): void {
    const { room } = this.#options;
    for (const { byteLength } of this.#queue.discard()) if (byteLength > LARGE_FRAME_BYTES) room.give(Math.min(byteLength, room.limit));
  }

  #setRoomless(roomless: boolean): void {
    this.#roomless = roomless;
    this.#flow();
  }

  /** Reads, or does not, as there is room. */
  #flow(): void {
    const pause = this.#roomless || (this.#queue.bytes >= UNREAD_BYTES && this.#ended === null);
    if (pause === this.#paused || this.#socket.destroyed) return;
    this.#paused = pause;
    if (pause) this.#socket.pause();
    else this.#socket.resume();
  }
}

/** A small message as one part: gathering parts costs more than copying them. */
function withSize(frame: Frame, bytes: number): Frame {
  const small = bytes <= SMALL_BYTES;
  const start = Buffer.allocUnsafe(small ? SIZE_BYTES + bytes : SIZE_BYTES);
  start.writeInt32BE(bytes);
  if (!small) return [start, ...frame];
  let at = SIZE_BYTES;
  for (const part of frame) {
    start.set(part, at);
    at += part.byteLength;
  }
  return [start];
}

/** An IPv4 address as a socket for both families says it. */
function plain(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:(?=\d+\.)/, "");
}
