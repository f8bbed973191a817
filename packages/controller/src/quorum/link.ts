import { deadline, delay, type Host, type Logger, type Session } from "@ottla/host";
import { services } from "@ottla/protocol";
import type { Peer } from "./options.ts";
import { encodeMessage } from "./messages.ts";
import type { Message } from "../raft/index.ts";

const DIAL_TIMEOUT_MS = 2000;
const RETRY_MIN_MS = 20;
const RETRY_MAX_MS = 500;
/** Beyond it messages to a peer that does not read are dropped: Raft repeats what matters. Above what one follower may have in flight. */
const MAX_QUEUED_BYTES = 16 << 20;

export interface LinkOptions {
  readonly host: Host;
  readonly peer: Peer & { readonly directoryId: string };
  readonly logger: Logger;
  dial(peer: Peer, service: string, signal: AbortSignal): Promise<Session>;
  /** What was sent last may be lost. */
  onBroken(): void;
  /** The connection broke and the first attempt to make it again failed. */
  onLost(): void;
}

/** The outgoing stream to one other voter: dialled, and dialled again, for as long as the quorum runs. */
export class Link {
  readonly #options: LinkOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #session: Session | null = null;
  #queuedBytes = 0;
  #dropped = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get connected(): boolean {
    return this.#session !== null;
  }

  /** Messages that were not sent because the peer was not there or did not read. */
  get dropped(): number {
    return this.#dropped;
  }

  send(message: Message): void {
    const session = this.#session;
    if (session === null || this.#queuedBytes > MAX_QUEUED_BYTES) {
      this.#dropped++;
      return;
    }
    const bytes = encodeMessage(message);
    this.#queuedBytes += bytes.length;
    const left = (): void => {
      this.#queuedBytes -= bytes.length;
    };
    // A session that ended says so itself; its unsent frames are lost like those that were on the way.
    session.send([bytes]).then(left, left);
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error("the quorum is closing"));
    this.#session?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { host } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    let wasConnected = false;
    while (!signal.aborted) {
      const session = await this.#dial();
      if (session === null) {
        if (signal.aborted) return;
        if (wasConnected) this.#options.onLost();
        wasConnected = false;
        const backoffMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(failures++, 10));
        await delay(host.clock, backoffMs / 2 + host.random.below(backoffMs), signal).catch(() => {});
        continue;
      }
      failures = 0;
      wasConnected = true;
      this.#session = session;
      const reason = await session.closed;
      this.#session = null;
      if (signal.aborted) return;
      this.#options.logger.debug({ peer: session.peer, reason: reason.message }, "a connection to another controller ended");
      this.#options.onBroken();
    }
  }

  async #dial(): Promise<Session | null> {
    const { host, peer, logger } = this.#options;
    const limit = deadline(host.clock, DIAL_TIMEOUT_MS, `Dialling controller ${peer.nodeId}`, this.#stop.signal);
    try {
      const session = await this.#options.dial(peer, services.raft, limit.signal);
      const { "ottla-node-id": nodeId, "ottla-directory-id": directoryId } = session.attributes;
      if (this.#stop.signal.aborted) session.close();
      else if (nodeId === String(peer.nodeId) && directoryId === peer.directoryId) return session;
      else {
        session.close({ code: "INVALID_REQUEST", message: `expected controller ${peer.nodeId} with directory ${peer.directoryId}` });
        logger.warn(
          { expected: peer, nodeId, directoryId, peer: session.peer },
          "another controller answered than the one that was dialled; check its address",
        );
      }
    } catch (error) {
      logger.debug({ nodeId: peer.nodeId, error }, "cannot reach another controller");
    } finally {
      limit.cancel();
    }
    return null;
  }
}
