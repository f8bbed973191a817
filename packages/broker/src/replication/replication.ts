import type { Address, Attributes, Clock, Logger, Service, Session, Timer } from "@ottla/host";
import type { ClusterImage } from "@ottla/metadata";
import type { pb, Uuid } from "@ottla/protocol";
import type { Follower } from "../partition/follower.ts";
import type { InSyncProposal } from "../partition/in-sync.ts";
import type { Partition } from "../partition/partition.ts";
import type { PartitionPeers } from "../partition/surroundings.ts";
import { Leaders } from "./follower/leaders.ts";
import { Truncations } from "./follower/truncations.ts";
import { Followers } from "./leader/followers.ts";
import { InSyncChanges } from "./leader/in-sync-changes.ts";

export interface ReplicationOptions {
  readonly nodeId: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly image: ClusterImage;
  find(topicId: Uuid, index: number): Partition | undefined;
  /** Of every stream between nodes. */
  attributes(): Attributes;
  dialNode(address: Address, nodeId: number, service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
  alterPartitions(value: pb.AlterPartitionsCommand, timeoutMs: number): Promise<pb.AlterPartitionsReply>;
  reportTruncations(value: pb.ReportTruncationsCommand, timeoutMs: number): Promise<unknown>;
}

/** What this broker's partitions are to those of other brokers: those it leads are fed to their followers, those it follows come from their leaders. */
export class Replication implements PartitionPeers {
  readonly service: Service;
  readonly #clock: Clock;
  readonly #image: ClusterImage;
  readonly #followers: Followers;
  readonly #leaders: Leaders;
  readonly #changes: InSyncChanges;
  readonly #truncations: Truncations;
  #changedBrokers = new Set<number>();
  #changing: Timer | null = null;

  constructor(options: ReplicationOptions) {
    const { clock, logger } = options;
    this.#clock = clock;
    this.#image = options.image;
    this.#followers = new Followers(options);
    this.#leaders = new Leaders(options);
    this.#changes = new InSyncChanges({ clock, logger, command: (value, timeoutMs) => options.alterPartitions(value, timeoutMs) });
    this.#truncations = new Truncations({ clock, logger, command: (value, timeoutMs) => options.reportTruncations(value, timeoutMs) });
    this.service = this.#followers.service;
  }

  changed(brokers: Iterable<number>): void {
    for (const broker of brokers) this.#changedBrokers.add(broker);
    this.#changing ??= this.#clock.soon(() => {
      this.#changing = null;
      const changed = this.#changedBrokers;
      this.#changedBrokers = new Set();
      this.#followers.changed();
      this.#leaders.changed(changed);
    });
  }

  async close(): Promise<void> {
    this.#changing?.cancel();
    this.#followers.close();
    this.#changes.close();
    this.#truncations.close();
    await this.#leaders.close();
  }

  brokerEpoch(nodeId: number): number | null {
    return this.#image.brokers.get(nodeId)?.brokerEpoch ?? null;
  }

  mayJoin(nodeId: number, brokerEpoch: number): boolean {
    const broker = this.#image.brokers.get(nodeId);
    return broker !== undefined && broker.brokerEpoch === brokerEpoch && !broker.fenced && !broker.shuttingDown;
  }

  propose(proposal: InSyncProposal): void {
    this.#changes.propose(proposal);
  }

  follow(follower: Follower): void {
    this.#leaders.follow(follower);
  }

  unfollow(follower: Follower): void {
    this.#leaders.unfollow(follower);
  }

  progressed(follower: Follower): void {
    this.#leaders.progressed(follower);
  }

  attachAgain(follower: Follower): void {
    this.#leaders.attachAgain(follower);
  }

  truncated(truncation: pb.Truncation): void {
    this.#truncations.add(truncation);
  }
}
