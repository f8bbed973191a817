import { type Attributes, type Clock, type Logger, NetworkError, type Service, type Session } from "@ottla/host";
import type { ClusterImage } from "@ottla/metadata";
import { services, type Uuid, uuidFromBytes } from "@ottla/protocol";
import type { Partition } from "../../partition/partition.ts";
import { FollowerSession } from "./follower-session.ts";

export interface FollowersOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly image: ClusterImage;
  find(topicId: Uuid, index: number): Partition | undefined;
}

/** The sessions of those who follow this broker: one for each node, of the incarnation that is registered. */
export class Followers {
  readonly service: Service;
  readonly #options: FollowersOptions;
  readonly #sessions = new Map<number, { readonly incarnation: string; readonly feeding: FollowerSession }>();
  #closed = false;

  constructor(options: FollowersOptions) {
    this.#options = options;
    this.service = { name: services.replication, accept: (session) => this.#accept(session) };
  }

  /** The image or the partitions have moved on. */
  changed(): void {
    for (const [nodeId, { incarnation, feeding }] of this.#sessions) {
      if (this.#incarnationOf(nodeId) === incarnation) feeding.retryEarly();
      else this.#end(nodeId);
    }
  }

  close(): void {
    this.#closed = true;
    for (const nodeId of [...this.#sessions.keys()]) this.#end(nodeId);
  }

  /** A newer session ends the older. One of an incarnation that is not registered, or not yet as far as is known here, is refused: it may be
   * the late stream of a process that is gone. */
  #accept(session: Session): Attributes {
    const nodeId = Number(session.attributes["ottla-node-id"]);
    const incarnation = session.attributes["ottla-incarnation"] ?? "";
    if (this.#closed) throw refused("UNAVAILABLE", "The broker stops");
    if (!Number.isSafeInteger(nodeId) || incarnation === "" || this.#incarnationOf(nodeId) !== incarnation)
      throw refused(
        "STALE_BROKER_EPOCH",
        `Incarnation "${incarnation}" of broker ${nodeId} is not the one that is registered, or not known here yet`,
      );
    this.#end(nodeId);
    const { clock, logger, image, find } = this.#options;
    const feeding = new FollowerSession({
      session,
      nodeId,
      clock,
      logger,
      find,
      brokerEpoch: () => image.brokers.get(nodeId)?.brokerEpoch ?? null,
    });
    this.#sessions.set(nodeId, { incarnation, feeding });
    void feeding.run().finally(() => {
      if (this.#sessions.get(nodeId)?.feeding === feeding) this.#sessions.delete(nodeId);
    });
    return {};
  }

  #incarnationOf(nodeId: number): string | null {
    const broker = this.#options.image.brokers.get(nodeId);
    return broker === undefined ? null : uuidFromBytes(broker.incarnation);
  }

  #end(nodeId: number): void {
    this.#sessions.get(nodeId)?.feeding.end();
    this.#sessions.delete(nodeId);
  }
}

function refused(code: string, message: string): NetworkError {
  return new NetworkError({ kind: "rejected", code, message });
}
