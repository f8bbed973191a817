import { delay, type Address, type Host, type Logger } from "@ottla/host";
import { errorName, pb, ProtocolError } from "@ottla/protocol";
import { ClosedError, ConnectionError, messageOf } from "../errors.ts";
import { showAddress } from "./address.ts";
import { backoffMs } from "./backoff.ts";
import { Home } from "./home.ts";
import { Link } from "./link.ts";
import { Metadata } from "./metadata.ts";
import { SilenceWatch } from "./silence-watch.ts";

const ATTEMPT_MS = 10_000;
/** Of what every broker knows by itself: one that stands still is given up soon. */
export const ANY_BROKER_ATTEMPT_MS = 1_000;
/** One that may create topics waits for brokers that are to hold them. */
const METADATA_ATTEMPT_MS = { plain: 1_000, creating: 2_000 };
const METADATA_TIMEOUT_MS = 10_000;
const RETRY = { firstMs: 50, mostMs: 1_000 };

type Call = Exclude<pb.CallRequest["call"], { case: undefined }>;
type Answer = Exclude<pb.CallResponse["answer"], { case: undefined }>;
export type CallName = Call["case"];
type Answers = { readonly [A in Answer as A["case"]]: A["value"] };
type AnswerTo<K extends CallName> = Answers[K];

export interface ClusterOptions {
  readonly host: Host;
  readonly logger: Logger;
  readonly bootstrap: readonly [Address, ...Address[]];
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
}

export interface CallLimits {
  /** Retries included. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The first try on one broker. After one that ran out of time the next may take twice as long, up to 10 s: a busy broker answers in the end. */
  readonly attemptMs?: number;
  /** The one broker to ask; any by default. */
  readonly node?: number;
}

/** The brokers of one cluster, as one client reaches them. */
export class Cluster {
  readonly host: Host;
  readonly logger: Logger;
  readonly requestTimeoutMs: number;
  readonly metadata: Metadata;
  readonly #options: ClusterOptions;
  readonly #seeds: readonly Link[];
  readonly #links = new Map<number, Link>();
  readonly #closing = new AbortController();
  readonly #silence: SilenceWatch;
  readonly #home = new Home();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.host = options.host;
    this.logger = options.logger;
    this.requestTimeoutMs = options.requestTimeoutMs;
    this.#silence = new SilenceWatch(
      options.host.clock,
      () => this.#links.values(),
      () => this.metadata.requestRefresh(),
    );
    this.#seeds = options.bootstrap.map((address) => this.#newLink(null, address));
    this.metadata = new Metadata({
      clock: options.host.clock,
      logger: options.logger,
      maxAgeMs: options.metadataMaxAgeMs,
      closing: this.#closing.signal,
      troubled: (nodeId) => this.link(nodeId)?.troubled ?? true,
      ask: (value) =>
        this.call(
          "metadata",
          { case: "metadata", value },
          { timeoutMs: METADATA_TIMEOUT_MS, attemptMs: METADATA_ATTEMPT_MS[value.allowAutoCreation ? "creating" : "plain"] },
        ),
    });
  }

  /** Aborts when the client is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** undefined: no broker has told of such a node. */
  link(nodeId: number): Link | undefined {
    const address = this.metadata.brokers.get(nodeId);
    const known = this.#links.get(nodeId);
    if (address === undefined || (known !== undefined && known.address.host === address.host && known.address.port === address.port))
      return known;
    known?.close();
    const link = this.#newLink(nodeId, address);
    this.#links.set(nodeId, link);
    return link;
  }

  /** Asks until a broker answers without a retriable error. A call that is repeated may have had its effect before.
   * @throws ProtocolError the broker's; ConnectionError naming every broker tried; or the signal's reason */
  async call<K extends CallName>(name: K, call: Extract<Call, { case: K }>, limits: CallLimits = {}): Promise<AnswerTo<K>> {
    const { clock, random } = this.host;
    const { timeoutMs = this.requestTimeoutMs, signal, attemptMs = ATTEMPT_MS, node } = limits;
    const untilMs = clock.monotonicMs() + timeoutMs;
    let failure: unknown = null;
    let patienceMs = attemptMs;
    for (let attempt = 1; ; attempt++) {
      if (this.closing.aborted) throw new ClosedError(`call ${name}`, "this client");
      signal?.throwIfAborted();
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) throw this.#outOfTime(name, timeoutMs, failure);
      const link = this.#choose(node);
      try {
        if (link === undefined) await this.metadata.refresh();
        else if (link.backoffMs > leftMs) await delay(clock, leftMs, signal);
        else return await this.#callOnce(link, name, call, Math.min(leftMs, patienceMs + link.backoffMs), signal);
      } catch (error) {
        if (signal?.aborted || !(error instanceof ProtocolError)) throw error;
        if (!error.retriable && !(error instanceof ConnectionError && this.#othersMayDo(node)))
          throw error instanceof ConnectionError && node === undefined ? this.#noneWillDo(name, error) : error;
        failure = error;
        if (error.error === "REQUEST_TIMED_OUT") patienceMs = Math.min(ATTEMPT_MS, 2 * patienceMs);
        const pauseMs = backoffMs(random, attempt, RETRY);
        // Another broker may well answer at once.
        if (!(error instanceof ConnectionError) || node !== undefined)
          await delay(clock, Math.min(pauseMs, Math.max(0, untilMs - clock.monotonicMs())), signal);
      }
    }
  }

  /** Why brokers cannot be reached; null while none is known to be out of reach. */
  get trouble(): string | null {
    const failures = [...this.#seeds, ...this.#links.values()].flatMap(({ failure }) => (failure === null ? [] : [failure.message]));
    return failures.length === 0 ? null : failures.join("; ");
  }

  close(): void {
    this.#silence.close();
    this.#closing.abort(new ClosedError("go on", "this client"));
    for (const link of [...this.#seeds, ...this.#links.values()]) link.close();
  }

  async #callOnce<K extends CallName>(
    link: Link,
    name: K,
    call: Extract<Call, { case: K }>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<AnswerTo<K>> {
    const response = await link.call.request(
      (correlationId) => [pb.CallRequest.encode({ correlationId, timeoutMs: Math.ceil(timeoutMs), call })],
      { timeoutMs, signal, what: name },
    );
    if (response.errorCode !== 0)
      throw new ProtocolError(
        errorName(response.errorCode),
        response.errorMessage === "" ? `${link.label} refused ${name}` : response.errorMessage,
      );
    const answer: { case: unknown; value?: unknown } = response.answer;
    if (!isAnswerTo(answer, name)) throw new ProtocolError("INVALID_REQUEST", `${link.label} answered ${name} with ${String(answer.case)}`);
    return answer.value;
  }

  /** The broker heard of last, among those that answer and may be dialled at once; else a bootstrap address of which the same holds; else the
   * one that may be first. */
  #choose(node: number | undefined): Link | undefined {
    if (node !== undefined) return this.link(node);
    const known = [...this.metadata.brokers.keys()].flatMap((nodeId) => this.link(nodeId) ?? []);
    const fine = (link: Link): boolean => link.backoffMs === 0 && !link.troubled;
    const ready = known.filter(fine).toSorted((one, other) => other.heardMs - one.heardMs)[0] ?? this.#seeds.find(fine);
    if (ready !== undefined) return ready;
    // Of those that failed alike the one that has waited longest comes first, so that all get their turn.
    return [...this.#seeds, ...known].toSorted((one, other) => one.backoffMs - other.backoffMs || one.triedMs - other.triedMs)[0];
  }

  /** A bootstrap entry that will never do is passed over as long as another one may. */
  #othersMayDo(node: number | undefined): boolean {
    if (node !== undefined) return false;
    return this.metadata.brokers.size > 0 || this.#seeds.some(({ failure }) => failure === null || failure.retriable);
  }

  #newLink(nodeId: number | null, address: Address): Link {
    const { host, clientId } = this.#options;
    return new Link({
      host,
      clientId,
      nodeId,
      address,
      onTrouble: () => nodeId !== null && !this.closing.aborted && this.metadata.requestRefresh(),
      onAsked: () => this.#silence.look(),
      checkCluster: (clusterId, label) => this.#home.objection(clusterId, label),
    });
  }

  #noneWillDo(name: string, cause: ConnectionError): ConnectionError {
    return new ConnectionError(cause.broker, false, `Cannot call ${name}: ${this.trouble ?? cause.message}`, { error: cause.error, cause });
  }

  #outOfTime(name: string, timeoutMs: number, cause: unknown): ProtocolError {
    const { trouble } = this;
    const why = trouble ?? (cause === null ? "no broker answered" : messageOf(cause));
    const error = cause instanceof ProtocolError ? cause.error : "REQUEST_TIMED_OUT";
    const hint = trouble !== null ? `. Is a broker running at ${this.#options.bootstrap.map(showAddress).join(", ")}?` : "";
    return new ProtocolError(error, `Cannot call ${name} within ${timeoutMs} ms: ${why}${hint}`, { cause });
  }
}

function isAnswerTo<K extends CallName>(answer: { case: unknown; value?: unknown }, name: K): answer is { case: K; value: AnswerTo<K> } {
  return answer.case === name;
}
