import { NetworkError, type Attributes, type Logger, type Session } from "@ottla/host";
import { ProtocolError } from "@ottla/protocol";
import type { Message, Voter } from "../raft/index.ts";
import { decodeMessage } from "./messages.ts";

/** The streams that other voters opened to this one: one for each, a newer one ends the older. */
export class Inbound {
  readonly #self: Voter;
  readonly #voters: readonly Voter[];
  readonly #logger: Logger;
  readonly #receive: (from: Voter, message: Message) => void;
  readonly #sessions = new Map<number, { session: Session; done: Promise<void> }>();
  #closed = false;

  constructor(self: Voter, voters: readonly Voter[], logger: Logger, receive: (from: Voter, message: Message) => void) {
    this.#self = self;
    this.#voters = voters;
    this.#logger = logger;
    this.#receive = receive;
  }

  /** @throws NetworkError rejected: the dialling side is no voter, or holds another directory */
  accept(session: Session): Attributes {
    const { "ottla-node-id": nodeId, "ottla-directory-id": directoryId } = session.attributes;
    const from = this.#voters.find((voter) => String(voter.nodeId) === nodeId && voter.directoryId === directoryId);
    if (this.#closed || from === undefined || from.nodeId === this.#self.nodeId)
      throw new NetworkError({
        kind: "rejected",
        code: "INVALID_REQUEST",
        message: this.#closed
          ? `controller ${this.#self.nodeId} is closing`
          : `node ${nodeId} with directory ${directoryId} is not another voter of controller ${this.#self.nodeId}`,
      });
    this.#sessions.get(from.nodeId)?.session.close();
    const done = this.#read(from, session);
    this.#sessions.set(from.nodeId, { session, done });
    return { "ottla-node-id": String(this.#self.nodeId), "ottla-directory-id": this.#self.directoryId };
  }

  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#sessions.values()];
    for (const { session } of open) session.close();
    await Promise.all(open.map(({ done }) => done));
  }

  async #read(from: Voter, session: Session): Promise<void> {
    for await (const frame of session.frames) {
      if (this.#closed || this.#sessions.get(from.nodeId)?.session !== session) break;
      try {
        this.#receive(from, decodeMessage(frame));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#logger.warn(
          { peer: session.peer, from: from.nodeId, error },
          "ended the stream of another controller: it sent what cannot be read",
        );
        session.close({ code: error.error, message: error.message });
      }
    }
    if (this.#sessions.get(from.nodeId)?.session === session) this.#sessions.delete(from.nodeId);
  }
}
