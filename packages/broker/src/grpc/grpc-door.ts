import type { Attributes, Clock, Logger, Service, Session } from "@ottla/host";
import { services } from "@ottla/protocol";
import type { ByteBudget } from "../byte-budget.ts";
import type { RequestMetrics } from "../metrics/requests.ts";
import type { Operations } from "../operations.ts";
import type { Timeouts } from "../timeouts.ts";
import { negotiateVersion, refusal, requireNode } from "./acceptance.ts";
import { handleCall } from "./call.ts";
import { Conversation, type ConversationOptions } from "./conversation.ts";
import { handleFetch } from "./fetch.ts";
import { handleProduce } from "./produce.ts";

/** Requests of one session that are being worked on; above it no more is read from it. */
const PRODUCES_MAX = 1000;
const FETCHES_MAX = 100;
const CALLS_MAX = 100;

export interface GrpcDoorOptions {
  readonly nodeId: number;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly logger: Logger;
  readonly operations: Operations;
  readonly metrics: RequestMetrics;
  readonly requestBytes: ByteBudget;
  readonly answerBytes: ByteBudget;
  readonly maxIdleMs: number;
  /** Null while the broker cannot serve, with the reason. */
  clusterId(): string | { readonly notYet: string };
}

/** The gRPC door for clients: one service each for produce, fetch and all other calls. */
export class GrpcDoor {
  readonly services: readonly Service[];
  readonly #options: GrpcDoorOptions;
  readonly #conversations = new Map<Conversation, "produce" | "fetch" | "call">();
  #closed = false;

  constructor(options: GrpcDoorOptions) {
    this.#options = options;
    const { operations, metrics, clock, timeouts, logger } = options;
    this.services = [
      this.#service("produce", PRODUCES_MAX, (frame, conversation) => handleProduce(operations, metrics, clock, frame, conversation)),
      this.#service("fetch", FETCHES_MAX, (frame, conversation) => handleFetch(operations, metrics, clock, frame, conversation)),
      this.#service("call", CALLS_MAX, (frame, conversation) =>
        handleCall({ operations, metrics, clock, timeouts, logger }, frame, conversation),
      ),
    ];
  }

  get sessions(): number {
    return this.#conversations.size;
  }

  /** Takes nothing new, answers what it has taken, then ends every session. Fetches that wait for records end at once: their clients come again elsewhere. */
  async drain(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      [...this.#conversations].map(async ([conversation, kind]) => {
        if (kind === "fetch") conversation.close();
        else await conversation.drain();
      }),
    );
  }

  /** Ends every session, answered or not. */
  close(): void {
    this.#closed = true;
    for (const conversation of this.#conversations.keys()) conversation.close();
  }

  #service(kind: "produce" | "fetch" | "call", requestsMax: number, handle: ConversationOptions["handle"]): Service {
    return { name: services[kind], accept: (session) => this.#accept(kind, session, requestsMax, handle) };
  }

  #accept(kind: "produce" | "fetch" | "call", session: Session, requestsMax: number, handle: ConversationOptions["handle"]): Attributes {
    const { nodeId, clock, timeouts, logger, requestBytes, answerBytes, maxIdleMs, clusterId } = this.#options;
    const version = negotiateVersion(session.attributes);
    requireNode(session.attributes, nodeId);
    const cluster = this.#closed ? { notYet: "is stopping" } : clusterId();
    if (typeof cluster !== "string")
      throw refusal("BROKER_NOT_AVAILABLE", `Node ${nodeId} ${cluster.notYet}; try again or ask another node`);
    const conversation = new Conversation(session, { clock, timeouts, logger, requestBytes, answerBytes, requestsMax, maxIdleMs, handle });
    this.#conversations.set(conversation, kind);
    void conversation.run().finally(() => this.#conversations.delete(conversation));
    return { "ottla-protocol": String(version), "ottla-node-id": String(nodeId), "ottla-cluster-id": cluster };
  }
}
