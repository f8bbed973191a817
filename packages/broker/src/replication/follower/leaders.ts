import type { Address, Attributes, Clock, Logger, Session } from "@ottla/host";
import type { ClusterImage } from "@ottla/metadata";
import { services } from "@ottla/protocol";
import type { Follower } from "../../partition/follower.ts";
import { LeaderLink } from "./leader-link.ts";

const LISTENER = "NODE";

export interface LeadersOptions {
  readonly nodeId: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly image: ClusterImage;
  attributes(): Attributes;
  dialNode(address: Address, nodeId: number, service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
}

/** The streams to those whom this broker follows: one for each leader, while there is something to follow. */
export class Leaders {
  readonly #options: LeadersOptions;
  readonly #links = new Map<number, LeaderLink>();
  readonly #ending = new Set<Promise<void>>();
  #closed = false;

  constructor(options: LeadersOptions) {
    this.#options = options;
  }

  follow(follower: Follower): void {
    if (this.#closed) return;
    let link = this.#links.get(follower.leader);
    if (link === undefined) this.#links.set(follower.leader, (link = this.#open(follower.leader)));
    link.add(follower);
  }

  unfollow(follower: Follower): void {
    this.#links.get(follower.leader)?.remove(follower);
  }

  progressed(follower: Follower): void {
    this.#links.get(follower.leader)?.progressed(follower);
  }

  attachAgain(follower: Follower): void {
    this.#links.get(follower.leader)?.attachAgain(follower);
  }

  /** The image has moved on: streams that nobody needs any more end, the others may succeed at once. */
  changed(brokers: ReadonlySet<number>): void {
    for (const [leader, link] of this.#links) {
      if (link.isEmpty) {
        this.#links.delete(leader);
        const ended = link.close().finally(() => this.#ending.delete(ended));
        this.#ending.add(ended);
      } else if (brokers.has(leader)) link.wake();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...[...this.#links.values()].map((link) => link.close()), ...this.#ending]);
    this.#links.clear();
  }

  #open(leader: number): LeaderLink {
    const { nodeId, clock, logger, image, attributes, dialNode } = this.#options;
    return new LeaderLink({
      leader,
      clock,
      logger,
      brokerEpoch: () => image.brokers.get(nodeId)?.brokerEpoch ?? 0,
      dial: (signal) => {
        const endpoint = image.brokers.get(leader)?.endpoints.find(({ listener }) => listener === LISTENER);
        if (endpoint === undefined) return Promise.reject(new Error(`Broker ${leader} has told no address of its node door`));
        return dialNode({ host: endpoint.host, port: endpoint.port }, leader, services.replication, attributes(), signal);
      },
    });
  }
}
