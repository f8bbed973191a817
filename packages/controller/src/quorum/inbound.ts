import { NetworkError, type Attributes, type Logger, type Session } from "@ottla/host";
import { pb, ProtocolError } from "@ottla/protocol";
import { checkGreeting, greetingAttributes, readGreeting, refused, type Greeting } from "./greeting.ts";

/** Streams of nodes that are no voters count too: they may be about to become some. */
const MAX_PEERS = 64;

interface Incoming {
  readonly session: Session;
  readonly from: Greeting;
  readonly done: Promise<void>;
}

export interface InboundOptions {
  own(): Greeting;
  readonly logger: Logger;
  /** Who answers where this node dials that one; null while nobody does. */
  reached(nodeId: number): Greeting | null;
  /** @throws ProtocolError for what makes no sense */
  receive(from: Greeting, message: pb.RaftMessage): void;
  /** Its stream was made, or made anew, or ended. */
  onChange(nodeId: number): void;
}

/** The streams that other controllers opened to this one: one for each, a newer one ends the older. */
export class Inbound {
  readonly #options: InboundOptions;
  readonly #sessions = new Map<number, Incoming>();
  #closed = false;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** Who has a stream to this node now. */
  *peers(): Iterable<Greeting> {
    for (const { from } of this.#sessions.values()) yield from;
  }

  of(nodeId: number): Greeting | null {
    return this.#sessions.get(nodeId)?.from ?? null;
  }

  /** @throws NetworkError rejected, with what is to be corrected */
  accept(session: Session): Attributes {
    const own = this.#options.own();
    if (this.#closed) throw new NetworkError({ kind: "refused", message: `Controller ${own.nodeId} is closing` });
    const from = readGreeting(session.attributes);
    checkGreeting(from, own, session.attributes["ottla-expected-node-id"]);
    const before = this.#sessions.get(from.nodeId);
    this.#requireOnlyOne(from, before);
    if (before === undefined && this.#sessions.size >= MAX_PEERS)
      throw refused("POLICY_VIOLATION", `Controller ${own.nodeId} has streams of ${MAX_PEERS} others already, which is the most it takes`);
    before?.session.close();
    const done = this.#read(from, session);
    this.#sessions.set(from.nodeId, { session, from, done });
    this.#options.onChange(from.nodeId);
    return greetingAttributes(own);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#sessions.values()];
    for (const { session } of open) session.close();
    await Promise.all(open.map(({ done }) => done));
  }

  /** A node whose directory was replaced lets go of its streams first, or dies, which this end notices: two that are alive at a time are two nodes. */
  #requireOnlyOne({ nodeId, directoryId }: Greeting, before: Incoming | undefined): void {
    const reached = this.#options.reached(nodeId);
    const other = [before?.from, reached].find((each) => each != null && each.directoryId !== directoryId);
    if (other == null) return;
    const where = before === undefined ? `${other.address.host}:${other.address.port}` : before.session.peer;
    throw refused(
      "DUPLICATE_BROKER_REGISTRATION",
      `Node ${nodeId} is here already, from ${where} with another controller directory; give each node an id of its own (node.id)`,
    );
  }

  async #read(from: Greeting, session: Session): Promise<void> {
    for await (const frame of session.frames) {
      if (this.#closed || this.#sessions.get(from.nodeId)?.session !== session) break;
      try {
        this.#options.receive(from, pb.RaftMessage.decode(frame));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#options.logger.warn(
          { peer: session.peer, from: from.nodeId, error },
          "ended the stream of another controller: it sent what cannot be read",
        );
        session.close({ code: error.error, message: error.message });
      }
    }
    if (this.#sessions.get(from.nodeId)?.session !== session) return;
    this.#sessions.delete(from.nodeId);
    if (!this.#closed) this.#options.onChange(from.nodeId);
  }
}
