import { delay } from "@ottla/host";
import { pb } from "@ottla/protocol";
import type { CallLimits, Cluster } from "../connection/cluster.ts";
import type { TopicPartition } from "../consumer/api.ts";
import { wholeNumber } from "../options.ts";
import type { CallOptions } from "./api.ts";
import { changeVoters, describeEvents, describeQuorum, updateFeature } from "./quorum.ts";
import { brokersAway, StuckWatch } from "./drain-watch.ts";
import { alterReplicationFactor, cancelReassignments, drain, electLeaders, listReassignments, reassign } from "./shape.ts";
import type {
  ClusterEvent,
  DrainProgress,
  ElectedPartition,
  Feature,
  Move,
  MoveOptions,
  QuorumDescription,
  QuorumMember,
  Reassignment,
} from "./shape-api.ts";

/** The cluster's shape: who holds what, who leads, who votes, and what happened. Part of {@link Admin}. */
export class ShapeAdmin {
  readonly #cluster: Cluster;

  /** @internal */
  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Moves partitions to the named brokers, while everything goes on. Resolves once that is decided; {@link listReassignments} tells what is
   * under way. A move of a partition that is being moved takes the place of the former.
   * @throws AdminError INVALID_REPLICA_ASSIGNMENT: a broker is unknown, fenced, draining, or named twice */
  async reassignPartitions(moves: readonly Move[], options: MoveOptions = {}): Promise<void> {
    if (moves.length > 0) await reassign(this.#cluster, moves, rateOf(options), limits(options));
  }

  async listReassignments(options: CallOptions = {}): Promise<Reassignment[]> {
    return await listReassignments(this.#cluster, limits(options));
  }

  /** Goes back to the replicas before, of all partitions that are being moved when none are named.
   * @throws AdminError NO_REASSIGNMENT_IN_PROGRESS */
  async cancelReassignments(partitions?: readonly TopicPartition[], options: CallOptions = {}): Promise<TopicPartition[]> {
    return await cancelReassignments(this.#cluster, partitions, limits(options));
  }

  /** Lets the preferred replica (the first) lead, of every partition where another one does when none are named.
   *
   * With `unclean` a replica that is not in sync is elected where no other can lead: acknowledged records may be lost, and the loss is recorded
   * as an event.
   * @throws AdminError PREFERRED_LEADER_NOT_AVAILABLE, ELIGIBLE_LEADERS_NOT_AVAILABLE */
  async electLeaders(
    partitions: readonly TopicPartition[] = [],
    options: CallOptions & { unclean?: boolean } = {},
  ): Promise<ElectedPartition[]> {
    return await electLeaders(this.#cluster, partitions, options.unclean ?? false, limits(options));
  }

  /** Begins to move every replica off a broker, live or dead; asked again it tells how far it is. The broker gets no new replicas until
   * {@link cancelDrain}. It goes on without this client, also through a change of the controller. */
  async drainBroker(nodeId: number, options: MoveOptions = {}): Promise<DrainProgress> {
    return await drain(this.#cluster, checkNode(nodeId), rateOf(options), false, limits(options));
  }

  /** {@link drainBroker}, asked every `intervalMs` (1000) until nothing is left. Ends early when only what is stuck is left, and no broker is away that
   * could change that; brokers that are away are waited for up to half a minute. Leaving the loop does not cancel the drain. */
  async *drainingBroker(nodeId: number, options: MoveOptions & { intervalMs?: number } = {}): AsyncGenerator<DrainProgress, void> {
    const intervalMs = wholeNumber("intervalMs", options.intervalMs, 1_000, { least: 10, most: 3_600_000, unit: "ms" });
    const watch = new StuckWatch();
    for (;;) {
      const away = await brokersAway(this.#cluster, nodeId, limits(options));
      const progress = await this.drainBroker(nodeId, options);
      yield progress;
      if (progress.replicasLeft === 0 || watch.isOver(progress, away, this.#cluster.host.clock.monotonicMs())) return;
      await delay(this.#cluster.host.clock, intervalMs, options.signal ?? this.#cluster.closing);
    }
  }

  /** The broker takes replicas again; what has moved stays where it is. */
  async cancelDrain(nodeId: number, options: CallOptions = {}): Promise<DrainProgress> {
    return await drain(this.#cluster, checkNode(nodeId), 0, true, limits(options));
  }

  /** Forgets a broker that holds no replica and does not run.
   * @throws ProtocolError BROKER_ID_NOT_REGISTERED; INVALID_REQUEST: it runs, or holds replicas: drain it first */
  async removeBroker(nodeId: number, options: CallOptions = {}): Promise<void> {
    await this.#cluster.call("removeBroker", { case: "removeBroker", value: { nodeId: checkNode(nodeId) } }, limits(options));
  }

  /** Raises or lowers how many replicas each partition of the topic has, while everything goes on. `validateOnly`: only checks whether it could.
   * @throws AdminError INVALID_REPLICATION_FACTOR */
  async alterReplicationFactor(topic: string, factor: number, options: MoveOptions & { validateOnly?: boolean } = {}): Promise<void> {
    wholeNumber("factor", factor, factor, { least: 1, most: 1_000 });
    const wanted = { factor, rate: rateOf(options), validateOnly: options.validateOnly ?? false };
    await alterReplicationFactor(this.#cluster, topic, wanted, limits(options));
  }

  async describeQuorum(options: CallOptions = {}): Promise<QuorumDescription> {
    return await describeQuorum(this.#cluster, limits(options));
  }

  /** Makes a node that runs with the controller role, and has caught up, a voter. Resolves once that is committed.
   * @throws ProtocolError DUPLICATE_VOTER, VOTER_NOT_FOUND */
  async addVoter(nodeId: number, options: CallOptions = {}): Promise<QuorumMember[]> {
    return await changeVoters(this.#cluster, pb.ChangeVotersCall_Change.ADD, checkNode(nodeId), limits(options));
  }

  /** @throws ProtocolError VOTER_NOT_FOUND; INVALID_REQUEST: the majority needs it */
  async removeVoter(nodeId: number, options: CallOptions = {}): Promise<QuorumMember[]> {
    return await changeVoters(this.#cluster, pb.ChangeVotersCall_Change.REMOVE, checkNode(nodeId), limits(options));
  }

  /** For a node that lost its directory: its new one votes in place of the former. */
  async replaceVoter(nodeId: number, options: CallOptions = {}): Promise<QuorumMember[]> {
    return await changeVoters(this.#cluster, pb.ChangeVotersCall_Change.REPLACE, checkNode(nodeId), limits(options));
  }

  /** Raises what the cluster may write; there may be no way back. {@link describeCluster} names the features.
   * @throws ProtocolError INVALID_UPDATE_VERSION, FEATURE_UPDATE_FAILED: a registered node does not support the level */
  async updateFeature(name: string, level: number, options: CallOptions & { validateOnly?: boolean } = {}): Promise<Feature> {
    wholeNumber("level", level, level, { least: 0, most: 1_000_000 });
    return await updateFeature(this.#cluster, name, level, options.validateOnly ?? false, limits(options));
  }

  /** What happened to the cluster and why, oldest first: those after event number `after` (0: all that are kept), of them the newest `limit`
   * (0: all). The cluster keeps about a thousand. */
  async describeEvents(options: CallOptions & { after?: number; limit?: number } = {}): Promise<ClusterEvent[]> {
    const { after, limit } = options;
    const most = { least: 0, most: Number.MAX_SAFE_INTEGER };
    return await describeEvents(
      this.#cluster,
      wholeNumber("after", after, 0, most),
      wholeNumber("limit", limit, 0, { least: 0, most: 100_000 }),
      limits(options),
    );
  }
}

export function limits({ timeoutMs, signal }: CallOptions): CallLimits {
  return {
    timeoutMs:
      timeoutMs === undefined ? undefined : wholeNumber("timeoutMs", timeoutMs, timeoutMs, { least: 1, most: 86_400_000, unit: "ms" }),
    signal,
  };
}

function rateOf({ rate }: MoveOptions): number {
  return wholeNumber("rate", rate, 0, { least: 1, most: Number.MAX_SAFE_INTEGER, unit: "bytes" });
}

function checkNode(nodeId: number): number {
  return wholeNumber("nodeId", nodeId, nodeId, { least: 0, most: 2 ** 31 - 1 });
}
