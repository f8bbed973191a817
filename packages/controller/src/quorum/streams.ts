import type { Attributes, Session } from "@ottla/host";
import type { MetadataVersions } from "@ottla/metadata";
import type { pb } from "@ottla/protocol";
import type { Raft, Voter } from "../raft/index.ts";
import { checkGreeting, greetingAttributes, listText, type Greeting } from "./greeting.ts";
import { Inbound } from "./inbound.ts";
import { membersOf } from "./members.ts";
import type { QuorumOptions } from "./options.ts";
import { Peers } from "./peers.ts";

export interface StreamsListener {
  /** @throws ProtocolError for what makes no sense */
  receive(from: Greeting, message: pb.RaftMessage): void;
  /** Who is there has changed. */
  changed(): void;
  /** What was sent last may be lost. */
  broken(nodeId: number): void;
  /** It could not be made again at once. */
  lost(nodeId: number): void;
}

/** The streams from and to the other controllers, one in each direction, and what these say of themselves. */
export class Streams {
  readonly inbound: Inbound;
  readonly peers: Peers;
  readonly #options: QuorumOptions;
  readonly #raft: Raft;

  constructor(options: QuorumOptions, raft: Raft, listener: StreamsListener) {
    const { host, nodeId, logger, listed, bootstrap } = options;
    this.#options = options;
    this.#raft = raft;
    this.inbound = new Inbound({
      own: () => this.#greeting(),
      logger,
      reached: (peer) => this.peers.links.get(peer)?.greeting ?? null,
      receive: (from, message) => listener.receive(from, message),
      onChange: (peer) => {
        this.peers.links.get(peer)?.peerStreamChanged();
        listener.changed();
      },
    });
    this.peers = new Peers({
      host,
      nodeId,
      logger,
      listed,
      bootstrap,
      addresses: () => options.addresses(),
      greeting: () => greetingAttributes(this.#greeting()),
      dial: (peer, service, attributes, signal) => options.dial(peer, service, attributes, signal),
      onGreeted: (theirs) => {
        checkGreeting(theirs, this.#greeting(), undefined);
        listener.changed();
      },
      onBroken: (peer) => listener.broken(peer),
      onLost: (peer) => listener.lost(peer),
    });
  }

  /** Takes the stream of another controller.
   * @throws NetworkError that says what does not fit */
  accept(session: Session): Attributes {
    return this.inbound.accept(session);
  }

  send(to: Voter, bytes: Uint8Array): void {
    this.peers.send(to, bytes);
  }

  isConnected(nodeId: number): boolean {
    return this.peers.links.get(nodeId)?.connected === true;
  }

  /** Voters and learners, with what the leader knows of them. */
  members(): pb.QuorumMember[] {
    const { nodeId, listed } = this.#options;
    const known = new Map<number, Greeting>();
    for (const greeting of this.inbound.peers()) known.set(greeting.nodeId, greeting);
    const addresses = [...listed, ...this.#options.addresses()];
    return membersOf(this.#raft, { nodeId, address: this.#options.nodeAddress() }, known, addresses);
  }

  /** What the controllers that are connected support, by node id. */
  metadataVersions(): ReadonlyMap<number, MetadataVersions> {
    return new Map(Array.from(this.inbound.peers(), ({ nodeId, metadataVersions }) => [nodeId, metadataVersions]));
  }

  async close(): Promise<void> {
    await Promise.all([this.inbound.close(), this.peers.close()]);
  }

  #greeting(): Greeting {
    const { nodeId, directoryId, listed, metadataVersions } = this.#options;
    const clusterId = this.#options.clusterId();
    const { lastIndex, voters, term } = this.#raft;
    const empty = clusterId === null && lastIndex === 0 && voters === null;
    const address = this.#options.nodeAddress();
    return { nodeId, directoryId, clusterId, empty, listed: listText(listed), term, address, metadataVersions };
  }
}
