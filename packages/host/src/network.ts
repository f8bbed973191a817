export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The parts of one message, in order; a receiver gets them joined as one part. */
export type Frame = readonly Uint8Array[];

/** What the dialling side says of itself and of whom it expects, before the first frame. */
export type Attributes = Readonly<Record<string, string>>;

/** Why a session ended. `finished`: the peer closed it in order. `rejected`: the peer refused it or ended it with an error of its own;
 * `code` and `message` are the peer's. */
export interface Reason {
  readonly kind: "finished" | "closed-here" | "reset" | "unreachable" | "refused" | "timeout" | "rejected";
  readonly code?: string;
  readonly message: string;
}

/** Rejection of `dial` and `probe`, and of `send` on a session that has ended. */
export class NetworkError extends Error {
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(reason.message);
    this.name = "NetworkError";
    this.reason = reason;
  }
}

/** Ordered and exactly once until it breaks; then a suffix is lost and nobody knows which. */
export interface Session {
  /** The name of the service, such as `ottla.v1.Client/Produce`. */
  readonly service: string;
  /** On the accepting side what the peer sent when it dialled; on the dialling side what the peer answered. */
  readonly attributes: Attributes;
  /** The other end, for people. */
  readonly peer: string;
  /** Resolves once the frame is within the byte window; hands the parts over: they must not change until then.
   * Rejects with {@link NetworkError} when the session has ended. */
  send(frame: Frame): Promise<void>;
  /** May be iterated once. Ends when the session ends, in whatever way: `closed` says why. Unread frames hold the peer back. */
  readonly frames: AsyncIterable<Uint8Array>;
  /** Resolves, never rejects. */
  readonly closed: Promise<Reason>;
  /** Ends the session: without a reason in order (what was sent is delivered), with one as `rejected` at the peer. Idempotent. */
  close(reason?: { code: string; message: string }): void;
}

export interface Listener {
  /** With the port that was picked when 0 was asked. */
  readonly address: Address;
  /** Stops accepting at once, lets sessions end in order for `graceMs`, then breaks the rest. */
  close(graceMs: number): Promise<void>;
}

export interface Service {
  readonly name: string;
  /** Called for each new session. Throwing {@link NetworkError} refuses it; the returned attributes reach the dialling side. */
  accept(session: Session): Attributes;
}

export interface ListenOptions {
  /** Messages above it end their session with RESOURCE_EXHAUSTED. */
  readonly maxFrameBytes: number;
  readonly maxSessions: number;
}

/** A TCP connection whose two sides say messages, each with its size before it (int32, big-endian), as Kafka's clients and brokers do. */
export interface FramedConnection {
  /** The other end, for people. */
  readonly peer: string;
  /** The address of this machine that the other side dialled. */
  readonly local: Address;
  readonly remote: Address;
  /** Sends one message with its size before it. Resolves once it has been handed to the machine, which a peer that does not read holds up;
   * the parts are not copied: they must not change until then. Rejects with {@link NetworkError} when the connection has ended. */
  send(frame: Frame): Promise<void>;
  /** Messages without their size, as soon as they are whole; each belongs to the reader. May be iterated once. Ends when the connection ends, in
   * whatever way: `closed` says why. Nothing is read from the peer while more than a few are unread. */
  readonly frames: AsyncIterable<Uint8Array>;
  /** Of the message that is arriving: how many bytes it has and how many of them are here; null between two messages, and while nothing is read
   * because others are unread or there is no room. */
  readonly arriving: { readonly bytes: number; readonly received: number } | null;
  /** Resolves, never rejects. */
  readonly closed: Promise<Reason>;
  /** Ends the connection: what was sent is delivered first, unless there is a reason. What has arrived and was not read is dropped. Idempotent. */
  close(reason?: string): void;
}

/** Memory for messages that are large, shared by all connections. Who has to wait is not read from meanwhile. A message that is larger than all of it
 * gets all of it. */
export interface FrameRoom {
  readonly limit: number;
  /** @returns what was taken, null when one has to wait */
  tryTake(bytes: number): number | null;
  take(bytes: number, signal: AbortSignal): Promise<number>;
  give(bytes: number): void;
}

export interface FramedListenOptions {
  /** A message that says it is larger, or less than nothing, ends its connection before anything is allocated for it. */
  readonly maxFrameBytes: number;
  readonly maxConnections: number;
  /** Asked before memory is taken for a message above {@link LARGE_FRAME_BYTES}. With the message its room goes to the reader, who gives it back. */
  readonly room: FrameRoom;
  /** The first bytes of a connection, or a size, are no message: says what they are, for the log and as the reason of the end. */
  malformed(head: Uint8Array): string;
  /** A connection was turned away because there are `maxConnections`. */
  full(peer: string): void;
}

/** Messages up to it are read without asking for room. */
export const LARGE_FRAME_BYTES = 65_536;

export interface DialOptions {
  readonly attributes: Attributes;
  readonly maxFrameBytes: number;
  readonly signal: AbortSignal;
  /** Sessions to one peer share a connection with those of the same lane only: bulk must not hold up heartbeats. */
  readonly lane?: string;
}

export interface Network {
  /** How other machines call this one. */
  readonly hostName: string;
  /** Resolves when the peer has accepted the session.
   * @throws NetworkError refused, unreachable, timeout or rejected */
  dial(peer: Address, service: string, options: DialOptions): Promise<Session>;
  /** A bare TCP connect, closed at once. */
  probe(peer: Address, signal: AbortSignal): Promise<void>;
  /** @throws NetworkError whose message names the address: in use, or not of this machine */
  listen(at: Address, services: readonly Service[], options: ListenOptions): Promise<Listener>;
  /** Accepts connections of messages with their size before them.
   * @throws NetworkError whose message names the address: in use, or not of this machine */
  listenFramed(at: Address, accept: (connection: FramedConnection) => void, options: FramedListenOptions): Promise<Listener>;
  /** Ends connections that `dial` keeps for reuse. */
  close(): Promise<void>;
}
