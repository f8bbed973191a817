import type { Address, Host } from "@ottla/host";
import { Home } from "./home.ts";
import { Link } from "./link.ts";

/** A broker that could not be reached is tried again after so long, once those that can have been found wanting. */
const FORGOTTEN_MS = 5_000;

export interface LinksOptions {
  readonly host: Host;
  readonly bootstrap: readonly Address[];
  readonly clientId: string;
  /** Where brokers are, as last heard. */
  readonly brokers: () => ReadonlyMap<number, Address>;
  /** A broker's stream failed. */
  readonly onTrouble: () => void;
  /** Somebody waits for a broker. */
  readonly onAsked: () => void;
}

/** The ways to the brokers: to each that is known, and to the bootstrap addresses, behind which any may be. */
export class Links {
  readonly #options: LinksOptions;
  readonly #seeds: readonly Link[];
  readonly #known = new Map<number, Link>();
  readonly #home = new Home();
  #doubts = 0;

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#seeds = options.bootstrap.map((address) => this.#new(null, address));
  }

  /** Those to brokers that are known by their ids. */
  get known(): Iterable<Link> {
    return this.#known.values();
  }

  /** undefined: no broker has told of such a node. */
  to(nodeId: number): Link | undefined {
    const address = this.#options.brokers().get(nodeId);
    const known = this.#known.get(nodeId);
    if (address === undefined || (known !== undefined && known.address.host === address.host && known.address.port === address.port))
      return known;
    known?.close();
    const link = this.#new(nodeId, address);
    this.#known.set(nodeId, link);
    return link;
  }

  /** It answers, but with what is old or of no use: it may be cut off from the other nodes. They are asked before it is asked again. */
  doubt(link: Link): void {
    link.doubt = ++this.#doubts;
  }

  /** Of the brokers that answer and may be dialled at once the one heard of last, those in doubt in turn; else a bootstrap address of which
   * the same holds; else the one that may be first. */
  any(): Link | undefined {
    const known = [...this.#options.brokers().keys()].flatMap((nodeId) => this.to(nodeId) ?? []);
    const fine = (link: Link): boolean => link.backoffMs === 0 && !link.troubled;
    const asked = known.some(fine) ? known.toSorted((one, other) => other.heardMs - one.heardMs) : this.#seeds;
    const ready = asked.filter(fine).toSorted((one, other) => one.doubt - other.doubt)[0];
    if (ready !== undefined) return ready.doubt === 0 ? ready : (asked.find((link) => this.#forgotten(link)) ?? ready);
    // Of those that failed alike the one that has waited longest comes first, so that all get their turn.
    return [...this.#seeds, ...known].toSorted((one, other) => one.backoffMs - other.backoffMs || one.triedMs - other.triedMs)[0];
  }

  /** False once every address there is will never do. */
  get mayDo(): boolean {
    return this.#options.brokers().size > 0 || this.#seeds.some(({ failure }) => failure === null || failure.retriable);
  }

  /** Why brokers cannot be reached; null while none is known to be out of reach. */
  get trouble(): string | null {
    const failures = [...this.#seeds, ...this.#known.values()].flatMap(({ failure }) => (failure === null ? [] : [failure.message]));
    return failures.length === 0 ? null : failures.join("; ");
  }

  close(): void {
    for (const link of [...this.#seeds, ...this.#known.values()]) link.close();
  }

  #forgotten(link: Link): boolean {
    return link.troubled && !link.awaited && link.backoffMs === 0 && this.#options.host.clock.monotonicMs() - link.triedMs >= FORGOTTEN_MS;
  }

  #new(nodeId: number | null, address: Address): Link {
    const { host, clientId, onTrouble, onAsked } = this.#options;
    return new Link({
      host,
      clientId,
      nodeId,
      address,
      onTrouble: () => nodeId !== null && onTrouble(),
      onAsked,
      checkCluster: (clusterId, label) => this.#home.objection(clusterId, label),
    });
  }
}
