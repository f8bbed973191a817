import { FrameQueue } from "./frame-queue.ts";
import { NetworkError, type Attributes, type Frame, type Reason, type Session } from "./network.ts";
import { SendWindow, WINDOW_BYTES } from "./send-window.ts";

/** Carries deliveries of one direction in the order in which they were given to it, perhaps later, perhaps never. */
export type Wire = (deliver: () => void) => void;

/** Two ends of one session inside this process, with the semantics of a remote one: ordered, a byte window, and frames that are
 * copied on the way, so that the two sides never share a buffer. `accepted` is what the dialling side reads as attributes. */
export function createSessionPair(
  service: string,
  dialled: Attributes,
  accepted: Attributes,
  peers: { dialling: string; accepting: string },
): [dialling: Session, accepting: Session] {
  const direct: Wire = (deliver) => deliver();
  const dialling = new PairedSession(service, peers.accepting, "dialling", direct, Infinity);
  const accepting = new PairedSession(service, peers.dialling, "accepting", direct, Infinity);
  dialling.attributes = accepted;
  accepting.attributes = dialled;
  connect(dialling, accepting);
  return [dialling, accepting];
}

export function connect(one: PairedSession, other: PairedSession): void {
  one.other = other;
  other.other = one;
}

/** One end. `attributes` and `other` are set before anybody else sees it. */
export class PairedSession implements Session {
  readonly service: string;
  readonly peer: string;
  attributes: Attributes = {};
  other: PairedSession | null = null;
  readonly closed: Promise<Reason>;
  readonly #side: "dialling" | "accepting";
  readonly #wire: Wire;
  readonly #maxFrameBytes: number;
  readonly #inbox: FrameQueue;
  readonly #window = new SendWindow();
  readonly #resolveClosed: (reason: Reason) => void;
  #ended: Reason | null = null;

  /** `wire` carries what this side says; frames above `maxFrameBytes` that arrive here end the session. */
  constructor(service: string, peer: string, side: "dialling" | "accepting", wire: Wire, maxFrameBytes: number) {
    this.service = service;
    this.peer = peer;
    this.#side = side;
    this.#wire = wire;
    this.#maxFrameBytes = maxFrameBytes;
    let untold = 0;
    this.#inbox = new FrameQueue((bytes) => {
      // Told in large steps, as HTTP/2 does: a quarter of the window that is not told yet keeps nobody waiting for good.
      const told = (untold += bytes);
      if (told < WINDOW_BYTES / 4) return;
      untold = 0;
      wire(() => this.other?.taken(told));
    });
    let resolveClosed: (reason: Reason) => void = () => {};
    this.closed = new Promise((resolve) => {
      resolveClosed = resolve;
    });
    this.#resolveClosed = resolveClosed;
  }

  get frames(): AsyncIterable<Uint8Array> {
    return this.#inbox;
  }

  send(frame: Frame): Promise<void> {
    if (this.#ended !== null) return Promise.reject(new NetworkError(this.#ended));
    const copy = joinCopied(frame);
    const sending = this.#window.enter(copy.byteLength, false);
    this.#wire(() => this.other?.received(copy));
    return this.#window.passed(sending);
  }

  close(reason?: { code: string; message: string }): void {
    if (this.#ended !== null) return;
    if (reason === undefined) this.#window.finish();
    this.#inbox.discard();
    this.end({ kind: "closed-here", message: `the session with ${this.peer} was closed here` });
    this.#wire(() => {
      const other = this.other;
      if (other === null) return;
      other.end(reason === undefined ? { kind: "finished", message: `${other.peer} closed the session` } : { kind: "rejected", ...reason });
    });
  }

  /** Ends this side alone; what has arrived can still be read. */
  end(reason: Reason): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    this.#inbox.end();
    this.#window.fail(reason);
    this.#resolveClosed(reason);
  }

  /** The other side delivers a frame. */
  received(frame: Uint8Array): void {
    if (this.#ended !== null) return;
    if (frame.byteLength <= this.#maxFrameBytes) return this.#inbox.push(frame);
    const message = `Received message larger than max (${frame.byteLength} vs ${this.#maxFrameBytes})`;
    const reasons = { dialling: { kind: "rejected", code: "RESOURCE_EXHAUSTED", message }, accepting: { kind: "reset", message } } as const;
    this.end(reasons[this.#side]);
    this.#wire(() => this.other?.end(reasons[this.#side === "dialling" ? "accepting" : "dialling"]));
  }

  /** The other side's reader has taken frames out. */
  taken(bytes: number): void {
    this.#window.taken(bytes);
  }
}

function joinCopied(frame: Frame): Uint8Array {
  let length = 0;
  for (const part of frame) length += part.byteLength;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of frame) {
    joined.set(part, at);
    at += part.byteLength;
  }
  return joined;
}
