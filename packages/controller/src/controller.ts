import { NetworkError, type Address, type Attributes, type Host, type Logger, type Metric, type Session } from "@ottla/host";
import { assert, services, uuidFromBytes, uuidToBytes, uuidToText, type NodeConfig, type Uuid } from "@ottla/protocol";
import { directoryIdOf } from "./directory-id.ts";
import type { Peer, QuorumStatus } from "./quorum/index.ts";
import { Replica } from "./replica.ts";
import { stateMetrics } from "./samples.ts";
import { Server } from "./server/server.ts";
import type { DigestMismatch } from "./state/mismatch.ts";

export interface ControllerOptions {
  readonly host: Host;
  readonly config: NodeConfig;
  readonly nodeId: number;
  /** `<data.dir>/controller`: the Raft log, the vote and the checkpoints. */
  readonly directory: string;
  /** The cluster that the data directory says it belongs to; null or absent at the very first start. */
  readonly clusterId?: string | null;
  /** Of this software, for people. */
  readonly version: string;
  readonly logger: Logger;
  /** What the process cannot outlive: damage, a failed sync, a broken invariant. */
  onFatal(error: Error): void;
  /** Of this node's own door, as other nodes reach it. */
  nodeAddress(): Address;
  dial(peer: Peer, service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
}

export interface ControllerStatus extends QuorumStatus {
  /** Null until the founding of the cluster is committed here. */
  readonly clusterId: string | null;
}

interface Parts {
  readonly replica: Replica;
  readonly server: Server;
}

/** One voter: Raft, the replicated state, and the sessions of brokers. */
export class Controller implements AsyncDisposable {
  /** Resolves with the cluster's id once its founding is committed and applied here; rejects when the controller closes before. */
  readonly founded: Promise<string>;
  #resolveFounded: (clusterId: string) => void = () => {};
  #rejectFounded: (error: Error) => void = () => {};
  readonly #options: ControllerOptions;
  readonly #directoryId: Uuid;
  #parts: Parts | null = null;
  /** The entry before which the state here did not match the log and was rebuilt. */
  #rebuiltAt: number | null = null;
  #rebuilding: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: ControllerOptions, directoryId: Uuid) {
    this.#options = options;
    this.#directoryId = directoryId;
    this.founded = new Promise((resolve, reject) => {
      this.#resolveFounded = resolve;
      this.#rejectFounded = reject;
    });
    // Nobody need wait for it.
    this.founded.catch(() => {});
  }

  /** Opens log and checkpoints and begins to take part. With one voter and an empty directory it founds a cluster.
   * @throws Error naming the directory when what it holds is damaged, of another cluster or of a newer version */
  static async start(options: ControllerOptions): Promise<Controller> {
    const controller = new Controller(options, await directoryIdOf(options.host, options.directory));
    await controller.#open(null);
    const { logger, nodeId, directory, version } = options;
    logger.info({ nodeId, directory, version }, "controller started");
    return controller;
  }

  get status(): ControllerStatus {
    const parts = this.#parts;
    assert(parts !== null, `controller ${this.#options.nodeId} is ${this.#closed ? "closed" : "rebuilding its state"}`);
    const { replica } = parts;
    return { ...replica.quorum.status, clusterId: replica.clusterId };
  }

  /** Takes sessions of the services session, metadata and raft.
   * @throws NetworkError that refuses the session: another node, another cluster, another protocol */
  accept(session: Session): Attributes {
    if (!this.#parts)
      throw new NetworkError({
        kind: "refused",
        message: `Controller ${this.#options.nodeId} is ${this.#closed ? "stopping" : "rebuilding its state"}`,
      });
    const { replica, server } = this.#parts;
    return session.service === services.raft ? replica.quorum.accept(session) : server.accept(session);
  }

  samples(): Metric[] {
    if (!this.#parts) return [];
    const { replica, server } = this.#parts;
    return [...stateMetrics(replica, server.sessionCount), ...replica.quorum.samples()];
  }

  /** Ends sessions and waits for what is being written. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#rebuilding;
    await this.#shut();
    this.#rejectFounded(new Error(`Controller ${this.#options.nodeId} was closed`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(distrusted: string | null): Promise<void> {
    const { host, config, nodeId, directory, logger, clusterId } = this.#options;
    const onFatal = (error: Error): void => this.#options.onFatal(error);
    const onlyVoter = { nodeId, directoryId: uuidToBytes(this.#directoryId), host: "localhost", port: 0 };
    const parts = (): Parts => {
      assert(this.#parts !== null, "the replica spoke before it was opened");
      return this.#parts;
    };
    const replica = await Replica.open(
      {
        host,
        config,
        nodeId,
        directory,
        directoryId: this.#directoryId,
        logger,
        onFatal,
        distrusted,
        dial: (peer, service, signal) => this.#dial(peer, service, signal),
      },
      {
        committed: (index, records) => parts().server.committed(index, records),
        caughtUp: () => {
          parts().server.caughtUp();
          this.#checkCluster(parts().replica);
        },
        leading: () => parts().server.leading(),
        lost: () => parts().server.lost(),
        mismatch: (error) => this.#mismatch(error, parts().replica.restoredFrom),
      },
    );
    const mayFound = clusterId === undefined || clusterId === null;
    const server = new Server({ host, config, nodeId, voters: [onlyVoter], mayFound, logger, onFatal }, replica);
    this.#parts = { replica, server };
    this.#checkCluster(replica);
    replica.start();
  }

  /** What is committed must be the cluster that the data directory belongs to, with this very directory as a voter. */
  #checkCluster(replica: Replica): void {
    const { clusterId, state } = replica;
    if (clusterId === null) return;
    const { clusterId: expected, directory, nodeId, onFatal } = this.#options;
    const id = this.#directoryId;
    if (typeof expected === "string" && expected !== clusterId)
      return onFatal(
        new Error(
          `Cannot run the controller in ${directory}: it belongs to cluster ${clusterId}, the data directory to cluster ${expected}; restore the right one from a copy`,
        ),
      );
    if (state.cluster && !state.cluster.voters.some((voter) => voter.nodeId === nodeId && uuidFromBytes(voter.directoryId) === id))
      return onFatal(
        new Error(
          `Cannot run the controller in ${directory}: cluster ${clusterId} has no voter ${nodeId} with directory id ${uuidToText(id)}; its file directory-id was replaced: restore it from a copy`,
        ),
      );
    this.#resolveFounded(clusterId);
  }

  #mismatch(error: DigestMismatch, restoredFrom: string | null): void {
    const { logger, onFatal } = this.#options;
    if (this.#rebuiltAt !== null || restoredFrom === null) return onFatal(error);
    this.#rebuiltAt = error.index;
    logger.error(
      { error, checkpoint: restoredFrom },
      "the controller's state does not match its log; it is rebuilt without this checkpoint",
    );
    this.#rebuilding = this.#rebuild(restoredFrom);
  }

  async #rebuild(distrusted: string): Promise<void> {
    try {
      await this.#shut();
      if (!this.#closed) await this.#open(distrusted);
    } catch (error) {
      this.#options.onFatal(new Error("Cannot rebuild the controller's state", { cause: error }));
    }
  }

  async #shut(): Promise<void> {
    const parts = this.#parts;
    this.#parts = null;
    parts?.server.close();
    await parts?.replica.close();
  }

  #dial(peer: Peer, service: string, signal: AbortSignal): Promise<Session> {
    const clusterId = this.#parts?.replica.clusterId ?? null;
    const attributes = {
      "ottla-protocol": "1-1",
      "ottla-node-id": String(this.#options.nodeId),
      "ottla-expected-node-id": String(peer.nodeId),
      "ottla-directory-id": this.#directoryId,
      ...(clusterId === null ? {} : { "ottla-cluster-id": clusterId }),
    };
    return this.#options.dial(peer, service, attributes, signal);
  }
}
