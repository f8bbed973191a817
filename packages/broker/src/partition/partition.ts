import type { Log, ReadResult } from "@ottla/log";
import { type pb, ProtocolError, type TopicSettings, type Uuid } from "@ottla/protocol";
import type { TopicTraffic } from "../metrics/traffic.ts";
import { deleteRecords } from "./delete-records.ts";
import { Leader } from "./leader.ts";
import { ProducerLedger } from "./producer-ledger.ts";
import { ProducerStore } from "./producer-store.ts";
import { lostWithLog, notLeading, wrongEpoch } from "./refusals.ts";
import { Replica } from "./replica.ts";
import { retainSegments } from "./retain-segments.ts";
import { Roles } from "./roles.ts";
import { logSettings } from "./settings.ts";
import { type Appended, logName, type PartitionId, type PartitionSurroundings, type Reader } from "./surroundings.ts";

/** Producers remembered in one partition; the one silent longest gives way. */
const PRODUCERS_MAX = 5000;

/** A replica of one partition, and the role it has: leader, follower, or none while the cluster has no use for it. */
export class Partition {
  readonly #replica: Replica;
  readonly #roles: Roles;
  readonly #onFailed: () => void;
  /** Why nothing can be asked of this replica any more, or for the moment. */
  #unavailable: ProtocolError | null = null;
  #reopening: Promise<void> | null = null;

  private constructor(replica: Replica, onFailed: () => void) {
    this.#replica = replica;
    this.#roles = new Roles(replica, onFailed);
    this.#onFailed = onFailed;
  }

  /** Opens the log, creating it if absent, and rebuilds the producers' state. */
  static async open(id: PartitionId, around: PartitionSurroundings): Promise<Partition> {
    let partition: Partition | null = null;
    const log = await around.directory.openLog(logName(id.topicId, id.index), logSettings(id.settings), () => {
      if (partition !== null) partition.#progressed();
    });
    const store = new ProducerStore(around.disk, around.logger, PRODUCERS_MAX);
    const producers = await ProducerLedger.open(log, store, around.logger, around.clock.wallMs());
    partition = new Partition(new Replica(id, around, log, producers), () => id.onFailed());
    return partition;
  }

  get topicId(): Uuid {
    return this.#replica.topicId;
  }

  get index(): number {
    return this.#replica.index;
  }

  get log(): Log {
    return this.#replica.log;
  }

  get topicName(): string {
    return this.#replica.topicName;
  }

  get settings(): TopicSettings {
    return this.#replica.settings;
  }

  get traffic(): TopicTraffic {
    return this.#replica.traffic;
  }

  /** To be read only. */
  get producers(): Pick<ProducerLedger, "entries"> {
    return this.#replica.producers;
  }

  get role(): "leader" | "follower" | "none" {
    if (this.#roles.present === null) return "none";
    return this.leader === null ? "follower" : "leader";
  }

  /** -1 without a role. */
  get roleEpoch(): number {
    return this.#roles.present?.epoch ?? -1;
  }

  get leader(): Leader | null {
    return this.#roles.leader;
  }

  /** -1 while it does not lead. */
  get leaderEpoch(): number {
    return this.leader?.epoch ?? -1;
  }

  /** Exclusive. */
  get highWatermark(): number {
    return this.#replica.highWatermark;
  }

  /** It takes no writes until {@link reopen} has succeeded. */
  get failed(): boolean {
    return !this.#replica.producers.trusted && this.#roles.busy === null;
  }

  configure(topicName: string, settings: TopicSettings, traffic: TopicTraffic): void {
    Object.assign(this.#replica, { topicName, settings, traffic });
    this.log.configure(logSettings(settings));
    this.#progressed();
  }

  /** As {@link Roles.lead}. */
  lead(record: pb.PartitionRecord): void {
    this.#roles.lead(record);
  }

  /** As {@link Roles.follow}. */
  follow(record: pb.PartitionRecord, suspect: boolean): void {
    this.#roles.follow(record, suspect);
  }

  /** Nobody leads, as far as is known. */
  resign(): void {
    this.#roles.resign();
  }

  /** The topic is gone, the replica is moved away, or the broker stops: nothing is answered from here on. */
  close(reason: ProtocolError): void {
    this.#unavailable = reason;
    this.#roles.close(reason);
  }

  /** Resolves once nothing works on the log any more, after {@link close}. */
  async released(): Promise<void> {
    await this.#roles.released();
    await this.#reopening?.catch(() => {});
  }

  /** Appends one batch. What it throws was not appended; how the append ends is told by `acknowledged`.
   * @throws ProtocolError as {@link requireLeader} and {@link Leader.produce} */
  produce(batch: Uint8Array, acks: number, timeoutMs: number, nowMs: number): Appended {
    return this.requireLeader(-1).produce(batch, acks, timeoutMs, nowMs);
  }

  /** @param clientEpoch the newest leader epoch the client knows, -1 for none (KIP-320)
   * @throws ProtocolError NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, or why the replica is unavailable */
  requireLeader(clientEpoch: number): Leader {
    if (this.#unavailable !== null) throw this.#unavailable;
    const { leader } = this;
    if (leader === null) throw notLeading(this.#replica.name, this.#replica.around.nodeId);
    if (clientEpoch !== -1 && clientEpoch !== leader.epoch) throw wrongEpoch(this.#replica.name, clientEpoch, leader.epoch);
    return leader;
  }

  /** Where readers may read, exclusive.
   * @throws ProtocolError as {@link requireLeader}, and OFFSET_NOT_AVAILABLE while a new leader does not know it yet */
  requireReadable(clientEpoch: number): { epoch: number; end: number } {
    const { epoch, startOffset } = this.requireLeader(clientEpoch);
    if (this.highWatermark < startOffset) {
      throw new ProtocolError(
        "OFFSET_NOT_AVAILABLE",
        `The leader of ${this.#replica.name} in epoch ${epoch} does not yet know what is committed: ask again`,
      );
    }
    return { epoch, end: this.highWatermark };
  }

  read(from: number, until: number, maxBytes: number): Promise<ReadResult> {
    return this.log.read({ from, until, maxBytes });
  }

  addReader(reader: Reader): void {
    this.#replica.readers.add(reader);
  }

  removeReader(reader: Reader): void {
    this.#replica.readers.delete(reader);
  }

  /** Moves the log's start up to `before`, -1 for the high watermark, at all replicas that are there or may come to lead.
   * @returns the log's start
   * @throws ProtocolError OFFSET_OUT_OF_RANGE above the high watermark, REQUEST_TIMED_OUT */
  async deleteRecords(before: number, timeoutMs: number): Promise<number> {
    const { epoch } = this.requireReadable(-1);
    return deleteRecords(this.requireLeader(-1), before, timeoutMs, () => this.requireLeader(epoch));
  }

  /** A leader's own doing: its followers delete what it has deleted.
   * @returns segments deleted */
  async applyRetention(nowMs: number): Promise<number> {
    this.#replica.producers.expire(nowMs - this.#replica.around.producerExpirationMs);
    if (this.leader === null || this.#unavailable !== null || this.failed) return 0;
    return retainSegments(this.#replica, nowMs);
  }

  /** Looks whether a follower lags, which is the passing of time. */
  reviewInSync(): void {
    this.leader?.review();
  }

  /** Before a clean stop. */
  async settle(): Promise<void> {
    await this.#replica.producers.settle();
  }

  /** Takes a log that latched shut back into service, by ordinary recovery. What was appended and not written is gone from it. */
  reopen(): Promise<void> {
    this.#reopening ??= this.#recover().finally(() => {
      this.#reopening = null;
    });
    return this.#reopening;
  }

  async #recover(): Promise<void> {
    const { producers, around, name, log } = this.#replica;
    await producers.reopen(around.clock.wallMs());
    around.logger.warn({ partition: name, endOffset: log.endOffset }, "A log that had failed takes writes again");
    this.#progressed();
    this.#replica.notify();
    // Followers may wait for what is known of producers.
    around.peers.changed([]);
  }

  #progressed(): void {
    const role = this.#roles.present;
    if (role instanceof Leader) role.progressed();
    else role?.logChanged();
    const { failure } = this.log;
    if (failure === null || this.#reopening !== null) return;
    this.leader?.giveUp(lostWithLog(this.#replica.name, failure));
    this.#replica.notify();
    this.#onFailed();
  }
}
