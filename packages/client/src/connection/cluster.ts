import { deadline, delay, type Address, type Host, type Logger } from "@ottla/host";
import { errorName, pb, ProtocolError } from "@ottla/protocol";
import { ClosedError, ConnectionError, messageOf } from "../errors.ts";
import { showAddress } from "./address.ts";
import { backoffMs } from "./backoff.ts";
import type { Link } from "./link.ts";
import { Links } from "./links.ts";
import { Metadata } from "./metadata.ts";
import { orAborted } from "./or-aborted.ts";
import { SilenceWatch } from "./silence-watch.ts";

const ATTEMPT_MS = 10_000;
/** Of what every broker knows by itself: one that stands still is given up soon. */
export const ANY_BROKER_ATTEMPT_MS = 1_000;
/** A broker that runs lets us in sooner; before that nothing has been asked, so another one may be. */
const REACH_MS = 1_000;
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
  readonly #links: Links;
  readonly #closing = new AbortController();
  readonly #silence: SilenceWatch;
  /** Who told the metadata. */
  #teller: Link | null = null;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.host = options.host;
    this.logger = options.logger;
    this.requestTimeoutMs = options.requestTimeoutMs;
    this.#silence = new SilenceWatch(
      options.host.clock,
      () => this.#links.known,
      () => this.metadata.requestRefresh(),
    );
    this.#links = new Links({
      ...options,
      brokers: () => this.metadata.brokers,
      onTrouble: () => !this.closing.aborted && this.metadata.requestRefresh(),
      onAsked: () => this.#silence.look(),
    });
    this.metadata = new Metadata({
      clock: options.host.clock,
      logger: options.logger,
      maxAgeMs: options.metadataMaxAgeMs,
      closing: this.#closing.signal,
      troubled: (nodeId) => this.link(nodeId)?.troubled ?? true,
      doubt: () => this.#teller !== null && this.#links.doubt(this.#teller),
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
    return this.#links.to(nodeId);
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
      const link = node === undefined ? this.#links.any() : this.link(node);
      try {
        if (link === undefined) await this.metadata.refresh();
        else if (link.backoffMs > leftMs) await delay(clock, leftMs, signal);
        else {
          if (node === undefined) await this.#reach(link, name, Math.min(leftMs, REACH_MS + link.backoffMs), signal);
          const answer = await this.#callOnce(link, name, call, Math.min(leftMs, patienceMs + link.backoffMs), signal);
          if (name === "metadata") this.#teller = link;
          return answer;
        }
      } catch (error) {
        if (signal?.aborted || !(error instanceof ProtocolError)) throw error;
        // A bootstrap entry that will never do is passed over as long as another one may.
        if (!error.retriable && !(error instanceof ConnectionError && node === undefined && this.#links.mayDo))
          throw error instanceof ConnectionError && node === undefined ? this.#noneWillDo(name, error) : error;
        failure = error;
        if (node === undefined && link !== undefined) this.#links.doubt(link);
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
    return this.#links.trouble;
  }

  close(): void {
    this.#silence.close();
    this.#closing.abort(new ClosedError("go on", "this client"));
    this.#links.close();
  }

  async #reach(link: Link, name: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (link.call.open) return;
    const limit = deadline(this.host.clock, timeoutMs, name, signal);
    try {
      await orAborted(link.call.connect(), limit.signal);
    } catch (cause) {
      if (!limit.signal.aborted || signal?.aborted) throw cause;
      const why = `${name}: ${link.label} did not let us in within ${Math.round(timeoutMs)} ms`;
      throw new ConnectionError(link.label, false, why, { error: "REQUEST_TIMED_OUT", cause });
    } finally {
      limit.cancel();
    }
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
