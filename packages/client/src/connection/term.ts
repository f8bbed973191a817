import { ProtocolError } from "@ottla/protocol";
import type { LeaderQuestion } from "./ask-leaders.ts";
import type { Cluster } from "./cluster.ts";

/** The time in which a broker leads partitions, as far as is known here. */
export class Term implements Disposable {
  /** Aborts when the term ends, with an error after which the successor is to be asked, or with the signal given. */
  readonly signal: AbortSignal;
  readonly #over = new AbortController();
  readonly #end: () => void;

  constructor(cluster: Cluster, node: number, asked: readonly LeaderQuestion[], signal: AbortSignal | undefined) {
    this.signal = signal === undefined ? this.#over.signal : AbortSignal.any([this.#over.signal, signal]);
    this.#end = cluster.metadata.onChange(() => {
      for (const { topic, partition } of asked) {
        const leader = cluster.metadata.partition(topic.id, partition)?.leader ?? -1;
        if (leader >= 0 && leader !== node)
          this.#over.abort(
            new ProtocolError("NOT_LEADER_OR_FOLLOWER", `broker ${leader} leads ${topic.name}-${partition} now instead of ${node}`),
          );
      }
    });
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
