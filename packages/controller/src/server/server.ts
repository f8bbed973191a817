import { NetworkError, type Attributes, type Host, type Logger, type Session, type Timer } from "@ottla/host";
import { services, uuidFromBytes, type NodeConfig, type pb } from "@ottla/protocol";
import type { Replica } from "../replica.ts";
import { TooFewBrokers } from "../state/decide/context.ts";
import { decideCommand, refusal } from "../state/decide/command.ts";
import { expireOffsets } from "../state/decide/offsets.ts";
import { found } from "../state/decide/founding.ts";
import { isClusterRecord } from "../state/fact.ts";
import type { Draft } from "../state/draft.ts";
import type { Task } from "../state/pump.ts";
import { AppliedWaits } from "./applied-waits.ts";
import { BrokerSession } from "./broker-session.ts";
import { BrokerWatch } from "./broker-watch.ts";
import { checkHandshake, handshakeAnswer } from "./handshake.ts";
import { MetadataPublisher } from "./metadata-publisher.ts";

const TICK_MS = 100;
/** What is created is answered once those concerned have applied it, and at the latest then. */
const APPLIED_WITHIN_MS = 1000;
/** A command that waited for brokers in vain is refused so long before its time is up, so that the answer still finds the caller. */
const ANSWER_BEFORE_DEADLINE_MS = 300;
/** Commands that wait for brokers; a further one is refused at once. */
const MAX_DEFERRED = 1000;

export interface ServerOptions {
  readonly host: Host;
  readonly config: NodeConfig;
  readonly nodeId: number;
  readonly voters: readonly pb.Voter[];
  /** False where a cluster is known to exist: another must not come into being under its data. */
  readonly mayFound: boolean;
  readonly logger: Logger;
  onFatal(error: Error): void;
}

/** The brokers' side of a controller: sessions that bring commands, streams that bring the cluster. */
export class Server {
  readonly #options: ServerOptions;
  readonly #replica: Replica;
  readonly #watch: BrokerWatch;
  readonly #publisher: MetadataPublisher;
  readonly #waits = new AppliedWaits();
  readonly #sessions = new Set<BrokerSession>();
  /** Commands that wait for brokers that are not live yet. */
  #deferred: { readonly task: Task; readonly untilMs: number }[] = [];
  #timer: Timer | null = null;
  #nextExpiryMs: number;
  #closed = false;

  constructor(options: ServerOptions, replica: Replica) {
    const { host, config, logger } = options;
    this.#options = options;
    this.#replica = replica;
    this.#watch = new BrokerWatch({
      host,
      state: replica.state,
      pump: replica.pump,
      logger,
      sessionTimeoutMs: config.brokerSessionTimeoutMs,
      tickMs: TICK_MS,
      onUnfenced: () => this.#retryDeferred(),
    });
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

  /** @throws NetworkError that refuses the session by name */
  accept(session: Session): Attributes {
    const { nodeId } = this.#options;
    const { clusterId } = this.#replica;
    const dialling = checkHandshake(session.attributes, nodeId, clusterId);
    if (session.service === services.session) void this.#serveBroker(session, dialling);
    else if (session.service === services.metadata) void this.#publisher.serve(session, dialling, (index) => this.#applied(dialling, index));
    else throw new NetworkError({ kind: "rejected", code: "INVALID_REQUEST", message: `Controllers have no service ${session.service}` });
    return handshakeAnswer(nodeId, clusterId);
  }

  committed(index: number, records: readonly pb.MetadataRecord[]): void {
    this.#publisher.committed(index, records);
  }

  caughtUp(): void {
    this.#publisher.flush();
  }

  leading(): void {
    this.#replica.pump.decide((draft) => this.#found(draft), "first");
    this.#watch.leading();
  }

  #found(draft: Draft): void {
    const { mayFound, voters, onFatal } = this.#options;
    if (draft.state.cluster || mayFound) found(draft, voters);
    else onFatal(new Error("Cannot start the controller: the data directory belongs to a cluster, but the controller's log in it is empty; restore the controller's directory from a copy"));
  }

  lost(): void {
    this.#watch.lost();
    this.#waits.clear();
    this.#deferred = [];
    for (const session of this.#sessions) session.redirect(this.#replica.quorum.status.leader);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
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
    if (this.#replica.pump.leading) this.#watch.heard(session, request.brokerEpoch, request.appliedIndex);
    for (const command of request.commands) this.#submit(this.#task(session, request, command, Math.ceil(bytes / request.commands.length)), session, command);
  }

  #applied(nodeId: number, index: number): void {
    this.#waits.applied(nodeId, index);
    if (this.#replica.pump.leading) this.#watch.applied(nodeId, index);
  }

  #submit(task: Task, session: BrokerSession, command: pb.Command): void {
    if (this.#replica.pump.submit(task)) return;
    session.reply(refusal(command.sequence, "THROTTLING_QUOTA_EXCEEDED", "The controller has as many commands waiting as it may; try again", 0));
  }

  #task(session: BrokerSession, request: pb.SessionRequest, command: pb.Command, bytes: number): Task {
    const { config, host, voters } = this.#options;
    const { nodeId } = session;
    const deadlineMs = host.clock.monotonicMs() + command.timeoutMs;
    const waitUntilMs = deadlineMs - Math.min(ANSWER_BEFORE_DEADLINE_MS, command.timeoutMs / 2);
    const expire = (): void =>
      session.reply(refusal(command.sequence, "REQUEST_TIMED_OUT", `The command was not decided within its ${command.timeoutMs} ms: the controller is busy or has no majority; nothing was changed`, 0));
    const nothing = (): void => {};
    const task: Task = {
      bytes,
      deadlineMs,
      startsEntry: command.command.case === "register",
      expire,
      decide: (draft) => {
        // Its broker has opened another session and sends again what was not answered.
        if (!session.open) return nothing;
        const context = { draft, config, nodeId, voterCount: voters.length, mayWait: host.clock.monotonicMs() < waitUntilMs && this.#deferred.length < MAX_DEFERRED };
        const origin = { brokerEpoch: request.brokerEpoch, lowestUnanswered: request.lowestUnanswered, formerIsAlive: this.#watch.isElsewhere(session) };
        try {
          const reply = decideCommand(context, origin, command);
          return () => this.#answer(session, reply);
        } catch (error) {
          if (!(error instanceof TooFewBrokers)) throw error;
          this.#deferred.push({ task, untilMs: waitUntilMs });
          return nothing;
        }
      },
    };
    return task;
  }

  /** The decision is committed. */
  #answer(session: BrokerSession, reply: pb.CommandReply): void {
    if (reply.reply.case === "register") {
      this.#waits.forget(session.nodeId);
      this.#watch.heard(session, reply.reply.value.brokerEpoch, 0);
    }
    const concerned = this.#concerned(session.nodeId, reply);
    if (concerned.length === 0) return session.reply(reply);
    const deadlineMs = this.#options.host.clock.monotonicMs() + APPLIED_WITHIN_MS;
    this.#waits.wait(reply.index, concerned, deadlineMs, () => session.reply(reply));
  }

  /** Brokers that must know what was created before it is answered: the one that asked, and live leaders of its partitions. */
  #concerned(nodeId: number, { reply }: pb.CommandReply): number[] {
    if (reply.case !== "createTopics" && reply.case !== "createPartitions") return [];
    const nodes = new Set([nodeId]);
    for (const { topicId, errorCode } of reply.value.topics) {
      if (errorCode !== 0 || topicId.length === 0) continue;
      for (const { leader } of this.#replica.state.topics.get(uuidFromBytes(topicId))?.partitions ?? []) if (this.#watch.isConnected(leader)) nodes.add(leader);
    }
    return [...nodes];
  }

  #retryDeferred(): void {
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const { task } of deferred) if (!this.#replica.pump.submit(task)) task.expire();
  }

  #tickLater(): void {
    this.#timer = this.#options.host.clock.after(TICK_MS, () => {
      this.#tick();
      if (!this.#closed) this.#tickLater();
    });
  }

  #tick(): void {
    const { host, config } = this.#options;
    const nowMs = host.clock.monotonicMs();
    const { pump } = this.#replica;
    this.#publisher.tick();
    this.#waits.expire(nowMs);
    pump.expire(nowMs);
    if (!pump.leading) return;
    this.#watch.tick(nowMs);
    // Decided once more, now without time to wait, so that the answer says what is missing.
    if (this.#deferred.some(({ untilMs }) => untilMs <= nowMs)) this.#retryDeferred();
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
