import { NetworkError, type Attributes, type Host, type Logger, type Session, type Timer } from "@ottla/host";
import type { MetadataVersions } from "@ottla/metadata";
import { services, type NodeConfig, type pb } from "@ottla/protocol";
import type { Replica } from "../replica.ts";
import type { Around } from "../state/decide/context.ts";
import { tellController } from "../state/decide/elections.ts";
import { expireOffsets } from "../state/decide/offsets.ts";
import { isClusterRecord } from "../state/fact.ts";
import { AppliedWaits } from "./applied-waits.ts";
import { BrokerSession } from "./broker-session.ts";
import { BrokerWatch } from "./broker-watch.ts";
import { Commands } from "./commands.ts";
import { diallingNode } from "./dialling-node.ts";
import { Housekeeping } from "./housekeeping.ts";
import { LowSpace } from "./low-space.ts";
import { MetadataLag } from "./metadata-lag.ts";
import { MetadataPublisher } from "./metadata-publisher.ts";
import { viewOf } from "./quorum-view.ts";

/** At the leader, which watches brokers; elsewhere nothing waits but what is refused in the end. */
const TICK_MS = 250;
const IDLE_TICK_MS = 500;
/** Brokers hear so much later of entries that bring them nothing but their index. */
const TELL_INDEX_MS = 100;

export interface ServerOptions {
  readonly host: Host;
  readonly config: NodeConfig;
  readonly nodeId: number;
  readonly metadataVersions: MetadataVersions;
  readonly logger: Logger;
}

/** The brokers' side of a controller: sessions that bring commands, streams that bring the cluster. */
export class Server {
  readonly #options: ServerOptions;
  readonly #replica: Replica;
  readonly #watch: BrokerWatch;
  readonly #lag: MetadataLag;
  readonly #space: LowSpace;
  readonly #housekeeping: Housekeeping;
  readonly #publisher: MetadataPublisher;
  readonly #waits = new AppliedWaits();
  readonly #sessions = new Set<BrokerSession>();
  readonly #commands: Commands;
  #timer: Timer | null = null;
  #telling: Timer | null = null;
  #nextExpiryMs: number;
  #closed = false;

  constructor(options: ServerOptions, replica: Replica) {
    const { host, config, logger, metadataVersions } = options;
    this.#options = options;
    this.#replica = replica;
    const { state, pump } = replica;
    this.#lag = new MetadataLag(config.brokerHeartbeatIntervalMs);
    const around: Around = {
      config,
      metadataVersions,
      lastResort: { has: (nodeId) => this.#lag.lagging.has(nodeId) || this.#space.has(nodeId) },
    };
    this.#space = new LowSpace({ state, pump, around: () => around });
    this.#watch = new BrokerWatch({
      host,
      state,
      pump,
      logger,
      around,
      sessionTimeoutMs: config.brokerSessionTimeoutMs,
      tickMs: TICK_MS,
      onUnfenced: () => this.#commands.retryDeferred(),
    });
    this.#commands = new Commands({
      host,
      around,
      quorum: viewOf(replica.quorum, options.nodeId),
      state,
      pump,
      watch: this.#watch,
      waits: this.#waits,
      onRegistered: (nodeId) => this.#lag.forget(nodeId),
    });
    this.#housekeeping = new Housekeeping({ state, pump, around, liveSinceMs: (nodeId) => this.#watch.liveSinceMs(nodeId) });
    this.#publisher = new MetadataPublisher(
      () => ({ index: replica.appliedIndex, term: replica.quorum.status.term, controllerId: replica.quorum.status.leader }),
      () => replica.committedFacts().flatMap(([, fact]) => (isClusterRecord(fact) ? [{ record: fact }] : [])),
    );
    this.#nextExpiryMs = host.clock.monotonicMs() + config.offsetsRetentionCheckIntervalMs;
    this.#tickLater();
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Since this process started. */
  get fencings(): number {
    return this.#watch.fencings;
  }

  /** @throws NetworkError that refuses the session by name */
  accept(session: Session): Attributes {
    const dialling = diallingNode(session.attributes);
    if (session.service === services.session) void this.#serveBroker(session, dialling);
    else if (session.service === services.metadata)
      void this.#publisher.serve(session, dialling, (index) => this.#applied(dialling, index));
    else throw new NetworkError({ kind: "rejected", code: "INVALID_REQUEST", message: `Controllers have no service ${session.service}` });
    return {};
  }

  committed(index: number, records: readonly pb.MetadataRecord[]): void {
    this.#publisher.committed(index, records);
  }

  caughtUp(): void {
    this.#publisher.flush();
    if (this.#publisher.count === 0) return;
    this.#telling ??= this.#options.host.clock.after(TELL_INDEX_MS, () => {
      this.#telling = null;
      this.#publisher.tellIndex();
    });
  }

  leading(): void {
    const { nodeId } = this.#options;
    this.#replica.pump.decide((draft) => tellController(draft, nodeId, this.#replica.quorum.status.term), { place: "first" });
    this.#watch.leading();
    this.#timer?.cancel();
    this.#tickLater();
  }

  lost(): void {
    this.#watch.lost();
    this.#housekeeping.lost();
    this.#lag.clear();
    this.#space.clear();
    this.#waits.clear();
    this.#commands.drop();
    for (const session of this.#sessions) session.redirect(this.#replica.quorum.status.leader);
  }

  /** Commands that wait here for a leader must not wait for their broker's next message. */
  follows(): void {
    const { leader } = this.#replica.quorum.status;
    if (this.#replica.pump.leading || leader === -1 || leader === this.#options.nodeId) return;
    for (const session of this.#sessions) session.redirect(leader);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#telling?.cancel();
    this.#watch.lost();
    for (const session of this.#sessions) session.close();
    this.#publisher.close();
  }

  async #serveBroker(session: Session, nodeId: number): Promise<void> {
    const broker = new BrokerSession(session, nodeId, this.#options.host.clock, () => this.#replica.appliedIndex);
    this.#sessions.add(broker);
    await broker.receive((request, bytes) => this.#received(broker, request, bytes));
    await broker.closed;
    this.#sessions.delete(broker);
    if (!this.#closed) this.#watch.closed(broker);
  }

  #received(session: BrokerSession, request: pb.SessionRequest, bytes: number): void {
    const { leader } = this.#replica.quorum.status;
    if (!this.#replica.pump.leading && leader !== -1 && leader !== this.#options.nodeId) return session.redirect(leader);
    this.#applied(session.nodeId, request.appliedIndex);
    if (this.#replica.pump.leading) this.#heard(session, request);
    if (request.commands.length === 0) session.acknowledge();
    for (const command of request.commands) this.#commands.take(session, request, command, Math.ceil(bytes / request.commands.length));
  }

  #heard(session: BrokerSession, { brokerEpoch, appliedIndex, lowSpace }: pb.SessionRequest): void {
    const { nodeId } = session;
    this.#watch.heard(session, brokerEpoch, appliedIndex);
    const broker = this.#replica.state.brokers.get(nodeId);
    if (broker?.brokerEpoch === brokerEpoch) this.#space.heard(nodeId, lowSpace, this.#options.host.clock.monotonicMs());
  }

  #applied(nodeId: number, index: number): void {
    this.#waits.applied(nodeId, index);
    if (!this.#replica.pump.leading) return;
    this.#lag.applied(nodeId, index);
    this.#watch.applied(nodeId, index);
  }

  #tickLater(): void {
    this.#timer = this.#options.host.clock.after(this.#replica.pump.leading ? TICK_MS : IDLE_TICK_MS, () => {
      this.#tick();
      if (!this.#closed) this.#tickLater();
    });
  }

  #tick(): void {
    const { host, config } = this.#options;
    const nowMs = host.clock.monotonicMs();
    const { pump } = this.#replica;
    this.#waits.expire(nowMs);
    pump.expire(nowMs);
    if (!pump.leading) return;
    this.#lag.tick(nowMs, this.#replica.appliedIndex);
    this.#watch.tick(nowMs);
    this.#commands.tick(nowMs);
    this.#space.tick(nowMs);
    this.#housekeeping.tick(nowMs);
    if (nowMs >= this.#nextExpiryMs) {
      this.#nextExpiryMs = nowMs + config.offsetsRetentionCheckIntervalMs;
      this.#expireOffsets();
    }
  }

  #expireOffsets(): void {
    this.#replica.pump.decide((draft) => {
      if (expireOffsets(draft, this.#options.config.offsetsRetentionMinutes)) this.#expireOffsets();
    });
  }
}
