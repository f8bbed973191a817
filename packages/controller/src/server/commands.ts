import type { Host } from "@ottla/host";
import { uuidFromBytes, type pb } from "@ottla/protocol";
import { decideCommand, refusal } from "../state/decide/command.ts";
import { TooFewBrokers, type Around, type QuorumView } from "../state/decide/context.ts";
import type { Pump } from "../state/pump.ts";
import type { Task } from "../state/task.ts";
import type { State } from "../state/state.ts";
import type { AppliedWaits } from "./applied-waits.ts";
import type { BrokerSession } from "./broker-session.ts";
import type { BrokerWatch } from "./broker-watch.ts";

/** What is created is answered once those concerned have applied it, and at the latest then. */
const APPLIED_WITHIN_MS = 1000;
/** A command that waited for brokers in vain is refused so long before its time is up, so that the answer still finds the caller. */
const ANSWER_BEFORE_DEADLINE_MS = 300;
/** A process whose controller runs registers its broker sooner, if it has one. */
const REGISTERED_WITHIN_MS = 2000;
/** Commands that wait for brokers; a further one is refused at once. */
const MAX_DEFERRED = 1000;

export interface CommandsOptions {
  readonly host: Host;
  readonly around: Around;
  readonly quorum: QuorumView;
  readonly state: State;
  readonly pump: Pump;
  readonly watch: BrokerWatch;
  readonly waits: AppliedWaits;
  onRegistered(nodeId: number): void;
}

/** Takes commands from sessions to their decision, and the answers back. */
export class Commands {
  readonly #options: CommandsOptions;
  /** Waiting for brokers that are not live yet. */
  #deferred: { readonly task: Task; readonly untilMs: number }[] = [];

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  take(session: BrokerSession, request: pb.SessionRequest, command: pb.Command, bytes: number): void {
    if (this.#options.pump.submit(this.#task(session, request, command, bytes))) return;
    session.reply(
      refusal(command.sequence, "THROTTLING_QUOTA_EXCEEDED", "The controller has as many commands waiting as it may; try again", 0),
    );
  }

  /** Decides once more what waited for brokers. */
  retryDeferred(): void {
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const { task } of deferred) if (!this.#options.pump.submit(task)) task.expire();
  }

  /** Without time left to wait a command is decided as things are, so that the answer says what is missing. */
  tick(nowMs: number): void {
    if (this.#deferred.some(({ untilMs }) => untilMs <= nowMs)) this.retryDeferred();
  }

  drop(): void {
    this.#deferred = [];
  }

  #task(session: BrokerSession, request: pb.SessionRequest, command: pb.Command, bytes: number): Task {
    const { around, host, quorum, state, watch } = this.#options;
    const { nodeId } = session;
    const deadlineMs = host.clock.monotonicMs() + command.timeoutMs;
    const waitUntilMs = deadlineMs - Math.min(ANSWER_BEFORE_DEADLINE_MS, command.timeoutMs / 2);
    const registerUntilMs = Math.min(waitUntilMs, host.clock.monotonicMs() + REGISTERED_WITHIN_MS);
    const expire = (): void =>
      session.reply(
        refusal(
          command.sequence,
          "REQUEST_TIMED_OUT",
          `The command was not decided within its ${command.timeoutMs} ms: the controller is busy or has no majority; nothing was changed`,
          0,
        ),
      );
    const nothing = (): void => {};
    const task: Task = {
      bytes,
      deadlineMs,
      startsEntry: startsEntry(command),
      expire,
      refuse: (error) => session.reply(refusal(command.sequence, error.error, `Nothing was changed: ${error.message}`, 0)),
      decide: (draft) => {
        // Its broker has opened another session and sends again what was not answered.
        if (!session.open) return nothing;
        const nowMs = host.clock.monotonicMs();
        const context = {
          ...around,
          draft,
          nodeId,
          quorum,
          voterCount: Math.max(state.voters.length, around.config.controllerQuorumVoters.length),
          mayWait: nowMs < waitUntilMs && this.#deferred.length < MAX_DEFERRED,
          mayRegister: nowMs < registerUntilMs,
        };
        const origin = {
          brokerEpoch: request.brokerEpoch,
          lowestUnanswered: request.lowestUnanswered,
          former: watch.formerOf(session),
        };
        try {
          const reply = decideCommand(context, origin, command);
          return () => this.#answer(session, reply);
        } catch (error) {
          if (!(error instanceof TooFewBrokers)) throw error;
          this.#deferred.push({ task, untilMs: nowMs < registerUntilMs ? registerUntilMs : waitUntilMs });
          return nothing;
        }
      },
    };
    return task;
  }

  /** The decision is committed. */
  #answer(session: BrokerSession, reply: pb.CommandReply): void {
    if (reply.reply.case === "register") {
      this.#options.waits.forget(session.nodeId);
      this.#options.onRegistered(session.nodeId);
      this.#options.watch.heard(session, reply.reply.value.brokerEpoch, 0);
    }
    const concerned = this.#concerned(session.nodeId, reply);
    if (concerned.length === 0) return session.reply(reply);
    const deadlineMs = this.#options.host.clock.monotonicMs() + APPLIED_WITHIN_MS;
    this.#options.waits.wait(reply.index, concerned, deadlineMs, () => session.reply(reply));
  }

  /** Brokers that must know of the decision before it is answered. Of what was created: the one that asked, and live leaders of its partitions. Of one that
   * shuts down: those that lead in its place, so that it serves until they do. */
  #concerned(nodeId: number, { reply }: pb.CommandReply): number[] {
    if (reply.case === "shutdown")
      return [...this.#options.state.brokers.usable()]
        .map((broker) => broker.nodeId)
        .filter((other) => this.#options.watch.isConnected(other));
    if (reply.case !== "createTopics" && reply.case !== "createPartitions") return [];
    const nodes = new Set([nodeId]);
    for (const { topicId, errorCode } of reply.value.topics) {
      if (errorCode !== 0 || topicId.length === 0) continue;
      for (const { leader } of this.#options.state.topics.get(uuidFromBytes(topicId))?.partitions ?? [])
        if (this.#options.watch.isConnected(leader)) nodes.add(leader);
    }
    return [...nodes];
  }
}

/** A broker's epoch is the index of the entry that registers it; and one entry changes one voter. */
function startsEntry({ command }: pb.Command): boolean {
  return command.case === "register" || command.case === "changeVoters";
}
