import { deadline, delay, type Address, type Attributes, type Host, type Logger, type Session } from "@ottla/host";
import { services } from "@ottla/protocol";
import { readGreeting, type Greeting } from "./greeting.ts";
import { UNKNOWN_NODE, type Peer } from "./options.ts";

const DIAL_TIMEOUT_MS = 2000;
const RETRY_MIN_MS = 20;
const RETRY_MAX_MS = 500;
/** A stream that was made so lately is no remnant of an earlier connection. */
const YOUNG_MS = 1000;
/** Beyond it messages to a peer that does not read are dropped: Raft repeats what matters. Above what one follower may have in flight. */
const MAX_QUEUED_BYTES = 16 << 20;

export interface LinkOptions {
  readonly host: Host;
  /** {@link UNKNOWN_NODE}: whoever answers. */
  readonly nodeId: number;
  /** Tried one after the other. */
  addresses(): readonly Address[];
  readonly logger: Logger;
  greeting(): Attributes;
  dial(peer: Peer, service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
  /** The peer answered.
   * @throws NetworkError that says why the two have nothing to say to each other */
  onGreeted(theirs: Greeting): void;
  /** What was sent last may be lost. */
  onBroken(): void;
  /** The connection broke and the first attempt to make it again failed. */
  onLost(): void;
}

/** The outgoing stream to one other controller: dialled, and dialled again, for as long as the quorum runs. */
export class Link {
  readonly #options: LinkOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #session: Session | null = null;
  #sinceMs = 0;
  #endPause: (() => void) | null = null;
  /** The peer is there: the attempts until it is reached begin anew, without a pause before the next. */
  #hurry = false;
  #greeting: Greeting | null = null;
  #queuedBytes = 0;
  #dropped = 0;
  #failure: string | null = null;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** What the peer said when it took this connection; null without one. */
  get greeting(): Greeting | null {
    return this.#greeting;
  }

  get connected(): boolean {
    return this.#session !== null;
  }

  /** Why the last attempt failed; null before it and while connected. */
  get failure(): string | null {
    return this.#failure;
  }

  /** Messages that were not sent because the peer was not there or did not read. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @returns false when it was dropped */
  send(bytes: Uint8Array): boolean {
    const session = this.#session;
    if (session === null || this.#queuedBytes > MAX_QUEUED_BYTES) {
      this.#dropped++;
      return false;
    }
    this.#queuedBytes += bytes.length;
    const left = (): void => {
      this.#queuedBytes -= bytes.length;
    };
    // A session that ended says so itself; its unsent frames are lost like those that were on the way.
    session.send([bytes]).then(left, left);
    return true;
  }

  /** The peer's own stream to this node was made or ended. If it was made, the peer is there: nothing is gained by waiting. And a stream from before may be
   * one of which the peer, or the network between, knows nothing any more: it is made anew rather than trusted. */
  peerStreamChanged(): void {
    this.#hurry = true;
    this.#endPause?.();
    if (this.#session !== null && this.#options.host.clock.monotonicMs() - this.#sinceMs >= YOUNG_MS) this.#session.close();
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error("the quorum is closing"));
    this.#endPause?.();
    this.#session?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { host, nodeId, logger } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    let wasConnected = false;
    while (!signal.aborted) {
      this.#hurry = false;
      const session = await this.#dial(failures);
      if (session === null) {
        if (signal.aborted) return;
        if (this.#hurry) failures = 0;
        if (wasConnected) {
          logger.info({ controller: nodeId, reason: this.#failure }, "lost another controller: it cannot be reached any more");
          this.#options.onLost();
        }
        wasConnected = false;
        const backoffMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(failures++, 10));
        await this.#pause(backoffMs / 2 + host.random.below(backoffMs));
        continue;
      }
      failures = 0;
      wasConnected = true;
      const reason = await session.closed;
      this.#session = null;
      this.#greeting = null;
      if (signal.aborted) return;
      this.#failure = reason.message;
      logger.debug({ controller: nodeId, peer: session.peer, reason: reason.message }, "a connection to another controller ended");
      this.#options.onBroken();
      // Somebody ends these streams as soon as they are made.
      if (host.clock.monotonicMs() - this.#sinceMs < RETRY_MAX_MS) await delay(host.clock, RETRY_MIN_MS, signal).catch(() => {});
    }
  }

  async #pause(ms: number): Promise<void> {
    if (this.#hurry) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.host.clock.after(ms, resolve);
      this.#endPause = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#endPause = null;
  }

  async #dial(attempt: number): Promise<Session | null> {
    const { host, nodeId, logger } = this.#options;
    const addresses = this.#options.addresses();
    const address = addresses[attempt % Math.max(1, addresses.length)];
    if (address === undefined) return null;
    const name = nodeId === UNKNOWN_NODE ? "a controller" : `controller ${nodeId}`;
    const limit = deadline(host.clock, DIAL_TIMEOUT_MS, `Dialling ${name} at ${address.host}:${address.port}`, this.#stop.signal);
    try {
      const session = await this.#options.dial({ nodeId, address }, services.raft, this.#attributes(), limit.signal);
      if (this.#stop.signal.aborted) session.close();
      else return this.#greet(session, address);
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      logger.debug({ controller: nodeId, address, error }, "cannot reach another controller");
    } finally {
      limit.cancel();
    }
    return null;
  }

  #attributes(): Attributes {
    const { nodeId } = this.#options;
    return nodeId === UNKNOWN_NODE ? this.#options.greeting() : { ...this.#options.greeting(), "ottla-expected-node-id": String(nodeId) };
  }

  /** @throws NetworkError */
  #greet(session: Session, address: Address): Session {
    const { nodeId, logger } = this.#options;
    try {
      const theirs = readGreeting(session.attributes);
      if (nodeId !== UNKNOWN_NODE && theirs.nodeId !== nodeId)
        throw new Error(
          `node ${theirs.nodeId} answers at ${address.host}:${address.port}, where node ${nodeId} should be; correct its address`,
        );
      this.#session = session;
      this.#sinceMs = this.#options.host.clock.monotonicMs();
      this.#greeting = theirs;
      this.#failure = null;
      this.#options.onGreeted(theirs);
      return session;
    } catch (error) {
      this.#session = null;
      this.#greeting = null;
      session.close({ code: "INVALID_REQUEST", message: error instanceof Error ? error.message : String(error) });
      logger.warn({ controller: nodeId, address, error }, "another controller answered than the one that was dialled");
      throw error;
    }
  }
}
