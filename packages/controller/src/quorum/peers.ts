import type { Address, Attributes, Host, Logger, Session } from "@ottla/host";
import type { Voter, Voters } from "../raft/index.ts";
import type { Greeting } from "./greeting.ts";
import { Link } from "./link.ts";
import { UNKNOWN_NODE, type Peer } from "./options.ts";

/** A controller whose stream broke is dialled for so long, even if it is none that must be known: it may be about to dial again. */
const REMEMBERED_MS = 10_000;

export interface PeersOptions {
  readonly host: Host;
  readonly nodeId: number;
  readonly logger: Logger;
  /** As configured. */
  readonly listed: readonly Peer[];
  readonly bootstrap: readonly Address[];
  /** Where the state says that voters are. */
  addresses(): readonly Peer[];
  greeting(): Attributes;
  dial(peer: Peer, service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
  /** @throws NetworkError that says why the two have nothing to say to each other */
  onGreeted(theirs: Greeting): void;
  onBroken(nodeId: number): void;
  onLost(nodeId: number): void;
}

/** The outgoing streams: one to each controller that is listed, votes, or has a stream to this one; as long as there is none of
 * those, one to each address where a controller should be. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #links = new Map<number, Link>();
  #bootstrap: Link[] = [];
  readonly #closing = new Set<Promise<void>>();
  /** Where a controller says that it is, and when its stream was last seen. */
  readonly #told = new Map<number, { readonly address: Address; readonly seenMs: number }>();
  #closed = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  get links(): ReadonlyMap<number, Link> {
    return this.#links;
  }

  /** Dials whoever is to be known, and lets the others go. */
  keep(voters: Voters, incoming: Iterable<Greeting>): void {
    if (this.#closed) return;
    const wanted = new Set<number>(voters.map(({ nodeId }) => nodeId));
    const seenMs = this.#options.host.clock.monotonicMs();
    for (const { nodeId, address } of incoming) this.#told.set(nodeId, { address, seenMs });
    for (const [nodeId, told] of this.#told) if (seenMs - told.seenMs < REMEMBERED_MS) wanted.add(nodeId);
    // Afterwards the configured list is only addresses to try: who was taken out of the voters is not dialled, it dials.
    if (voters.length === 0) for (const { nodeId } of this.#options.listed) wanted.add(nodeId);
    wanted.delete(this.#options.nodeId);
    for (const [nodeId, link] of this.#links) if (!wanted.has(nodeId)) this.#drop(nodeId, link);
    for (const nodeId of wanted) {
      if (!this.#links.has(nodeId))
        this.#links.set(
          nodeId,
          this.#link(nodeId, () => this.#addressesOf(nodeId)),
        );
    }
    this.#knock(wanted.size === 0);
  }

  /** Only to the very directory that is meant. */
  send(to: Voter, bytes: Uint8Array): void {
    const link = this.#links.get(to.nodeId);
    if (link?.greeting === null || link?.greeting.directoryId === to.directoryId) link.send(bytes);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const link of [...this.#links.values(), ...this.#bootstrap]) this.#end(link);
    await Promise.all(this.#closing);
  }

  /** Nobody is known: whoever answers at the addresses that were given dials back. A second stream to one of those would end the first. */
  #knock(knock: boolean): void {
    if (!knock) for (const link of this.#bootstrap.splice(0)) this.#end(link);
    else if (this.#bootstrap.length === 0)
      this.#bootstrap = this.#options.bootstrap.map((address) => this.#link(UNKNOWN_NODE, () => [address]));
  }

  #link(nodeId: number, addresses: () => readonly Address[]): Link {
    const { host, logger } = this.#options;
    return new Link({
      host,
      nodeId,
      addresses,
      logger,
      greeting: () => this.#options.greeting(),
      dial: (peer, service, attributes, signal) => this.#options.dial(peer, service, attributes, signal),
      onGreeted: (theirs) => this.#options.onGreeted(theirs),
      onBroken: () => this.#options.onBroken(nodeId),
      onLost: () => this.#options.onLost(nodeId),
    });
  }

  /** What it said last comes first. */
  #addressesOf(nodeId: number): readonly Address[] {
    const found: Address[] = [];
    const add = (address: Address | undefined): void => {
      if (address !== undefined && !found.some(({ host, port }) => host === address.host && port === address.port)) found.push(address);
    };
    add(this.#told.get(nodeId)?.address);
    for (const peer of [...this.#options.listed, ...this.#options.addresses()]) if (peer.nodeId === nodeId) add(peer.address);
    return found;
  }

  #drop(nodeId: number, link: Link): void {
    this.#links.delete(nodeId);
    this.#told.delete(nodeId);
    this.#end(link);
  }

  #end(link: Link): void {
    const closing = link.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
