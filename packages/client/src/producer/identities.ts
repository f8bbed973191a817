import type { Cluster } from "../connection/cluster.ts";
import type { Identity } from "./lane.ts";

/** An id that nobody hears of costs nothing: another broker is asked soon. */
const ATTEMPT_MS = 2_000;

/** Producer ids from the cluster: one for all partitions, and a fresh one for those that can no longer use theirs. */
export class Identities {
  readonly #cluster: Cluster;
  #newest: Identity | null = null;
  #asking: Promise<Identity> | null = null;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** One that a lane whose last was `used` has never had, if at hand. */
  fresh(used: Identity | null): Identity | null {
    return this.#newest !== used ? this.#newest : null;
  }

  /** @throws ProtocolError */
  ask(): Promise<Identity> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<Identity> {
    const limits = { signal: this.#cluster.closing, attemptMs: ATTEMPT_MS };
    const answer = await this.#cluster.call("initProducerId", { case: "initProducerId", value: {} }, limits);
    this.#newest = { producerId: answer.producerId, epoch: answer.producerEpoch };
    return this.#newest;
  }
}
