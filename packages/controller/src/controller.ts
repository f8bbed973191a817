import { deadline, NetworkError, type Attributes, type Metric, type Session } from "@ottla/host";
import { assert, services, type pb, type Uuid } from "@ottla/protocol";
import { installReceived } from "./checkpoint/install.ts";
import type { ControllerInspection, ControllerOptions, ControllerStatus } from "./controller-options.ts";
import { closeParts, hasOthers, openParts, whatDoesNotFit, type Parts } from "./controller-parts.ts";
import { directoryIdOf, setAside } from "./directory-id.ts";
import { DamagedControllerError } from "./quorum/index.ts";
import type { Suspension } from "./raft/index.ts";
import type { Replica } from "./replica.ts";
import { stateMetrics } from "./samples.ts";
import type { DigestMismatch } from "./state/mismatch.ts";

/** One controller: Raft, the replicated state, and the sessions of brokers. */
export class Controller implements AsyncDisposable {
  /** Resolves with the cluster's id once its founding is committed and applied here; rejects when the controller closes before. */
  readonly founded: Promise<string>;
  /** Hears of every committed entry with records, in the turn in which it is replayed. */
  onCommitted: ((index: number, term: number, records: readonly pb.MetadataRecord[]) => void) | null = null;
  #resolveFounded: (clusterId: string) => void = () => {};
  #rejectFounded: (error: Error) => void = () => {};
  readonly #options: ControllerOptions;
  #directoryId: Uuid;
  #clusterId: string | null;
  #parts: Parts | null = null;
  /** The entry before which the state here did not match the log and was rebuilt. */
  #rebuiltAt: number | null = null;
  #rebuilding: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: ControllerOptions, directoryId: Uuid) {
    this.#options = options;
    this.#directoryId = directoryId;
    this.#clusterId = options.clusterId ?? null;
    this.founded = new Promise((resolve, reject) => {
      this.#resolveFounded = resolve;
      this.#rejectFounded = reject;
    });
    // Nobody need wait for it.
    this.founded.catch(() => {});
  }

  /** Opens log and checkpoints and begins to take part. An empty one founds a cluster, alone or with the other listed voters, or waits to be fed. One
   * whose log, vote or checkpoints are damaged is set aside and begins anew under another directory id, where others hold the same.
   * @throws Error naming the directory when what it holds is damaged, of another cluster or of a newer version */
  static async start(options: ControllerOptions): Promise<Controller> {
    const { host, logger, nodeId, directory, version } = options;
    const controller = new Controller(options, await directoryIdOf(host, directory));
    try {
      await controller.#open(null);
    } catch (error) {
      if (!(error instanceof DamagedControllerError) || !hasOthers(options)) throw error;
      await controller.#setAside(error);
      await controller.#open(null);
    }
    logger.info({ nodeId, directory, version }, "controller started");
    return controller;
  }

  /** Null until the founding is committed here, unless the data directory named it before. */
  get clusterId(): string | null {
    return this.#clusterId;
  }

  get status(): ControllerStatus {
    const parts = this.#parts;
    assert(parts !== null, `controller ${this.#options.nodeId} is ${this.#closed ? "closed" : "rebuilding its state"}`);
    const { replica } = parts;
    return { ...replica.quorum.status, clusterId: replica.clusterId };
  }

  /** Null while closed or rebuilding. */
  inspect(): ControllerInspection | null {
    if (this.#parts === null) return null;
    const { replica } = this.#parts;
    const { role, term, leader, firstIndex, lastIndex, commitIndex, voters } = replica.quorum.status;
    const { appliedIndex } = replica;
    const directoryId = this.#directoryId;
    return {
      ...{ directoryId, role, term, leader, firstIndex, lastIndex, commitIndex, appliedIndex, voters },
      get digest() {
        return replica.committedDigest();
      },
    };
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
    return [...stateMetrics(replica, server.sessionCount, server.fencings), ...replica.quorum.samples()];
  }

  /** Hands leadership over, ends sessions and waits for what is being written.
   * @param handOver false after a failure: the others elect at once when the sessions end */
  async close(handOver = true): Promise<void> {
    if (!this.#closed && handOver) await this.#resign();
    this.#closed = true;
    await this.#rebuilding;
    await this.#shut();
    this.#rejectFounded(new Error(`Controller ${this.#options.nodeId} was closed`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #resign(): Promise<void> {
    if (this.#parts === null) return;
    const { host, config, logger } = this.#options;
    const { quorum } = this.#parts.replica;
    if (quorum.status.role !== "leader" || quorum.status.voters.length < 2) return;
    const limit = deadline(host.clock, config.controllerElectionTimeoutMs, "Handing over the controllers' leadership");
    const another = await quorum.transferLeadership(limit.signal);
    limit.cancel();
    logger.info(
      { leader: quorum.status.leader },
      another ? "handed over the leadership of the controllers" : "stopping without another leader of the controllers",
    );
  }

  async #open(distrusted: string | null): Promise<void> {
    const clusterId = this.#clusterId;
    const parts = await openParts(
      this.#options,
      { directoryId: this.#directoryId, clusterId, distrusted },
      {
        committed: (index, term, records) => this.onCommitted?.(index, term, records),
        caughtUp: (replica) => this.#check(replica),
        mismatch: (error, restoredFrom) => this.#mismatch(error, restoredFrom),
        outdated: (suspension) => this.#outdated(suspension),
        snapshot: (index) => this.#install(index),
      },
    );
    this.#parts = parts;
    this.#check(parts.replica);
    parts.replica.start();
  }

  #check(replica: Replica): void {
    const error = whatDoesNotFit(this.#options, this.#directoryId, replica);
    if (error !== null) return this.#options.onFatal(error);
    const { clusterId } = replica;
    if (clusterId === null) return;
    this.#clusterId = clusterId;
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
    this.#rebuilding = this.#rebuild(restoredFrom, async () => {});
  }

  /** The state that the leader sent takes the place of the older checkpoint, and this controller starts from it, as after a restart. */
  #install(index: number): void {
    const { host, directory, logger } = this.#options;
    logger.info({ index }, `beginning anew from the leader's state up to entry ${index}`);
    this.#rebuilding = this.#rebuild(null, () => installReceived(host, directory, logger));
  }

  /** Its leader told it. */
  #outdated({ acknowledged, holds }: Suspension): void {
    const { directory } = this.#options;
    const error = new DamagedControllerError(
      `The controller's directory ${directory} is an old copy: this controller had acknowledged entries up to ${acknowledged}, and its log ends at ${holds}`,
    );
    this.#rebuilding = this.#rebuild(null, () => this.#setAside(error));
  }

  async #setAside(error: DamagedControllerError): Promise<void> {
    const { host, directory, logger, nodeId } = this.#options;
    const aside = await setAside(host, directory);
    this.#directoryId = await directoryIdOf(host, directory);
    logger.error(
      { error, nodeId, aside },
      `the controller of node ${nodeId} lacks what it had promised to keep: it was set aside in ${aside}, votes no more, and is rebuilt from the other controllers`,
    );
  }

  async #rebuild(distrusted: string | null, prepare: () => Promise<void>): Promise<void> {
    try {
      await this.#shut();
      await prepare();
      if (!this.#closed) await this.#open(distrusted);
    } catch (error) {
      this.#options.onFatal(new Error("Cannot rebuild the controller's state", { cause: error }));
    }
  }

  async #shut(): Promise<void> {
    const parts = this.#parts;
    this.#parts = null;
    if (parts !== null) await closeParts(parts);
  }
}
