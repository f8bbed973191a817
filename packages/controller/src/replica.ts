import { assert, pb } from "@ottla/protocol";
import { Checkpoints } from "./checkpoint/checkpoints.ts";
import { ReceivedCheckpoint } from "./checkpoint/received.ts";
import { Quorum, type CommittedEntry, type SnapshotSource } from "./quorum/index.ts";
import type { Suspension } from "./raft/index.ts";
import { quorumSettings } from "./replica-quorum.ts";
import type { ReplicaListener, ReplicaOptions } from "./replica-options.ts";
import { checkFeature, checkState } from "./state/decide/founding.ts";
import { sameDigest } from "./state/digest.ts";
import { encodeFact, type Fact, type FactKey } from "./state/fact.ts";
import { InFlight } from "./state/in-flight.ts";
import { DigestMismatch } from "./state/mismatch.ts";
import { Pump } from "./state/pump.ts";
import { writeEvent } from "./state/decide/event.ts";
import { State, type Change } from "./state/state.ts";
import { explained } from "./unusable.ts";

/** The replicated state of this voter: Raft's committed entries replayed, kept in checkpoints, and decided against while it leads. */
export class Replica {
  readonly state: State;
  readonly pump: Pump;
  readonly quorum: Quorum;
  /** The checkpoint that the state began from. */
  readonly restoredFrom: string | null;
  readonly #options: ReplicaOptions;
  readonly #checkpoints: Checkpoints;
  readonly #received: ReceivedCheckpoint;
  readonly #inFlight: InFlight;
  #appliedIndex: number;
  #appliedTerm: number;
  #clusterId: string | null;
  #stopped = false;

  private constructor(
    options: ReplicaOptions,
    parts: {
      state: State;
      checkpoints: Checkpoints;
      received: ReceivedCheckpoint;
      restoredFrom: string | null;
      applied: { index: number; term: number };
      quorum: Quorum;
    },
  ) {
    const { host } = options;
    this.#options = options;
    this.state = parts.state;
    this.quorum = parts.quorum;
    this.restoredFrom = parts.restoredFrom;
    this.#checkpoints = parts.checkpoints;
    this.#received = parts.received;
    this.#appliedIndex = parts.applied.index;
    this.#appliedTerm = parts.applied.term;
    this.#clusterId = parts.state.cluster?.clusterId ?? null;
    this.#inFlight = new InFlight(this.state);
    this.pump = new Pump(host.clock, host.random, this.state, this.#inFlight, this.quorum, (error) => this.#fail(error));
  }

  /** @throws Error naming the directories when neither checkpoint verifies and the log no longer begins at the first entry */
  static async open(options: ReplicaOptions, listener: ReplicaListener): Promise<Replica> {
    const { host, config, directory, logger } = options;
    const checkpoints = new Checkpoints(host, directory, config.controllerLogCheckpointRecords, logger);
    const received = new ReceivedCheckpoint(host, directory);
    const restored = await checkpoints.restore(options.distrusted);
    const state = restored?.state ?? new State();
    const applied = { index: restored?.appliedIndex ?? 0, term: restored?.appliedTerm ?? 0 };
    let replica: Replica | null = null;
    const opened = (): Replica => {
      assert(replica !== null, "the quorum spoke before it was opened");
      return replica;
    };
    try {
      checkState(state, options.metadataVersions);
      const quorum = await Quorum.open({
        ...quorumSettings(options, state, restored),
        clusterId: () => replica?.clusterId ?? options.clusterId,
        listener: {
          committed: (entries) => opened().#committed(entries, listener),
          leading: () => opened().#leading(listener),
          lost: () => opened().#lost(listener),
          follows: () => opened().#follows(listener),
          resumed: () => opened().pump.resume(),
          suspended: (suspension) => opened().#suspended(suspension, listener),
          snapshot: (index) => opened().#snapshotArrived(index, listener),
        },
        snapshotSource: () => opened().#snapshot(),
        snapshotSink: received,
      });
      replica = new Replica(options, { state, checkpoints, received, restoredFrom: restored?.directory ?? null, applied, quorum });
      return replica;
    } catch (error) {
      await checkpoints.close();
      throw explained(error, checkpoints, restored?.directory ?? null);
    }
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** Null until the founding is committed here. */
  get clusterId(): string | null {
    return this.#clusterId;
  }

  /** It holds no entry. */
  get isEmpty(): boolean {
    return this.quorum.status.lastIndex === 0;
  }

  get damagedCheckpoints(): number {
    return this.#checkpoints.damaged.length;
  }

  /** Committed facts, each after those it refers to. */
  committedFacts(): [FactKey, Fact][] {
    return this.#inFlight.committedFacts();
  }

  start(): void {
    this.quorum.start();
  }

  async close(): Promise<void> {
    this.#stopped = true;
    this.pump.stop();
    await this.quorum.close();
    await this.#checkpoints.close();
    await this.#received.close();
  }

  /** Digest of the committed state. */
  committedDigest(): Uint8Array {
    return this.#inFlight.committedDigest();
  }

  /** Of this moment; facts are never changed once they are made. */
  #snapshot(): SnapshotSource {
    const facts = this.committedFacts();
    const last = { index: this.#appliedIndex, term: this.#appliedTerm };
    return { last, digest: this.committedDigest(), facts: encoded(facts) };
  }

  #snapshotArrived(index: number, listener: ReplicaListener): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.pump.stop();
    listener.snapshot(index);
  }

  /** The alarm; what is to be done about it happens by itself, where the voter's process can. */
  #suspended(suspension: Suspension, listener: ReplicaListener): void {
    if (this.#stopped) return;
    const { nodeId, logger } = this.#options;
    const { voter, acknowledged, holds } = suspension;
    if (voter.nodeId === nodeId) {
      this.#stopped = true;
      this.pump.stop();
      return listener.outdated(suspension);
    }
    const text = `controller ${voter.nodeId} acknowledged entries up to ${acknowledged} and holds them up to ${holds}: an old copy of its directory was restored. It is suspended and returns as a new voter; if it does not, empty its controller directory and run ottla controller replace ${voter.nodeId}`;
    logger.error({ controller: voter.nodeId, directoryId: voter.directoryId, acknowledged, holds }, text);
    this.pump.decide((draft) => writeEvent(draft, "voters", { nodeId: voter.nodeId }, text));
  }

  #committed(entries: readonly CommittedEntry[], listener: ReplicaListener): void {
    if (this.#stopped) return;
    for (const entry of entries) {
      try {
        const { records, changes } = this.#apply(entry);
        this.#checkpoints.committed(changes);
        this.#appliedIndex = entry.index;
        this.#appliedTerm = entry.term;
        for (const { record } of records) if (record.case === "cluster") this.#clusterId = record.value.clusterId;
        if (records.length > 0) listener.committed(entry.index, entry.term, records);
      } catch (error) {
        if (!(error instanceof DigestMismatch)) throw error;
        this.#stopped = true;
        this.pump.stop();
        return listener.mismatch(error);
      }
    }
    listener.caughtUp();
    this.pump.committed(this.#appliedIndex);
    if (this.#checkpoints.due) void this.#checkpoint();
  }

  #apply(entry: CommittedEntry): { records: readonly pb.MetadataRecord[]; changes: readonly Change[] } {
    const appended = this.#inFlight.commit(entry.index);
    if (appended) return appended;
    if (entry.data.length === 0) return { records: [], changes: [] };
    const { digest, records } = pb.Entry.decode(entry.data);
    if (records.length > 0 && !sameDigest(digest, this.state.digest)) throw new DigestMismatch(entry.index, digest, this.state.digest);
    const changes: Change[] = [];
    for (const record of records) {
      checkFeature(record, this.#options.metadataVersions);
      this.state.replay(record, changes);
    }
    return { records, changes };
  }

  #leading(listener: ReplicaListener): void {
    if (this.#stopped) return;
    this.pump.lead();
    listener.leading();
  }

  #follows(listener: ReplicaListener): void {
    if (!this.#stopped) listener.follows();
  }

  #lost(listener: ReplicaListener): void {
    if (this.#stopped) return;
    this.pump.stop();
    listener.lost();
  }

  async #checkpoint(): Promise<void> {
    try {
      const coveredBelow = await this.#checkpoints.write({
        appliedIndex: this.#appliedIndex,
        appliedTerm: this.#appliedTerm,
        digest: this.#inFlight.committedDigest(),
        all: () => this.#inFlight.committedFacts(),
        some: (keys) => this.#inFlight.committedValues(keys),
      });
      if (coveredBelow > 0 && !this.#stopped) await this.quorum.trim(coveredBelow + 1);
    } catch (error) {
      this.#fail(
        new Error("Cannot write a checkpoint of the controller; the process ends, and the next start verifies what is there", {
          cause: error,
        }),
      );
    }
  }

  #fail(error: Error): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#options.onFatal(error);
  }
}

function* encoded(facts: readonly (readonly [FactKey, Fact])[]): Iterable<Uint8Array> {
  for (const [, fact] of facts) yield encodeFact(fact);
}
