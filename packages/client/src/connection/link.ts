import { deadline, delay, NetworkError, type Address, type Host, type Session } from "@ottla/host";
import { pb, services } from "@ottla/protocol";
import { ConnectionError, messageOf } from "../errors.ts";
import { showAddress } from "./address.ts";
import { backoffMs } from "./backoff.ts";
import { Exchange } from "./exchange.ts";
import { doorHint, wrongDoor } from "./wrong-door.ts";

/** Above what any broker sends: the largest batch allowed (64 MiB) and its envelope. */
const MAX_FRAME_BYTES = 68 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 3_000;
/** After the first failure at once: most often a process was replaced by its successor. */
const RECONNECT = { firstMs: 20, mostMs: 500 };
/** A broker that runs accepts sooner. */
const DIAL_PATIENCE_MS = 500;

export interface LinkOptions {
  readonly host: Host;
  readonly clientId: string;
  /** null: a bootstrap address, behind which any node may be. */
  readonly nodeId: number | null;
  readonly address: Address;
  /** A stream failed: what is known about the cluster may be old. */
  readonly onTrouble: () => void;
  /** Somebody waits for this broker. */
  readonly onAsked: () => void;
  /** The cluster that a broker says it belongs to; the text tells why that cannot be. */
  readonly checkCluster: (clusterId: string, label: string) => string | null;
}

/** One broker: its three streams and when it may be dialled again. */
export class Link {
  readonly nodeId: number | null;
  readonly address: Address;
  /** For error texts: `broker 1 (localhost:9093)`. */
  readonly label: string;
  readonly produce: Exchange<pb.ProduceResponse>;
  readonly fetch: Exchange<pb.FetchResponse>;
  readonly call: Exchange<pb.CallResponse>;
  /** Monotonic; when a frame came last. */
  heardMs = Number.NEGATIVE_INFINITY;
  /** Monotonic; when it was last dialled. */
  triedMs = Number.NEGATIVE_INFINITY;
  /** 0 until it is found wanting; of two the one with less has been so for longer. */
  doubt = 0;
  /** Why it could not be reached, while that is so. */
  failure: ConnectionError | null = null;
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  #failures = 0;
  /** A stream broke while it owed an answer, and nothing was heard since: a new connection alone proves nothing, the system of a process that
   * stands still accepts it. */
  #owing = false;
  #diallingSinceMs: number | null = null;
  #readyMs = Number.NEGATIVE_INFINITY;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.nodeId = options.nodeId;
    this.address = options.address;
    this.label = options.nodeId === null ? showAddress(options.address) : `broker ${options.nodeId} (${showAddress(options.address)})`;
    this.produce = this.#exchange(services.produce, (frame) => pb.ProduceResponse.decode(frame));
    this.fetch = this.#exchange(services.fetch, (frame) => pb.FetchResponse.decode(frame));
    this.call = this.#exchange(services.call, (frame) => pb.CallResponse.decode(frame));
  }

  /** How long the next dial will wait for its turn after failures. */
  get backoffMs(): number {
    return Math.max(0, this.#readyMs - this.#options.host.clock.monotonicMs());
  }

  /** Whether somebody waits for an answer of it, or for a way to it. */
  get awaited(): boolean {
    return this.#diallingSinceMs !== null || this.#overdueMs !== null;
  }

  /** It could not be reached when it was last tried, or lets somebody wait without a sign of life: others are asked first. */
  get troubled(): boolean {
    if (this.failure !== null || this.#owing) return true;
    const nowMs = this.#options.host.clock.monotonicMs();
    if (this.#diallingSinceMs !== null && nowMs - this.#diallingSinceMs > DIAL_PATIENCE_MS) return true;
    return (this.#overdueMs ?? 0) > 0;
  }

  get #overdueMs(): number | null {
    const nowMs = this.#options.host.clock.monotonicMs();
    const overdue = [this.produce, this.fetch, this.call].flatMap((exchange) => exchange.overdueMs(nowMs, this.heardMs) ?? []);
    return overdue.length === 0 ? null : Math.max(...overdue);
  }

  close(): void {
    this.#closing.abort(new ConnectionError(this.label, false, `The connection to ${this.label} was closed here`));
    for (const exchange of [this.produce, this.fetch, this.call]) exchange.close();
  }

  #exchange<A extends { correlationId: number }>(service: string, decode: (frame: Uint8Array) => A): Exchange<A> {
    const { clock } = this.#options.host;
    return new Exchange({
      broker: this.label,
      clock,
      dial: () => this.#dial(service),
      decode,
      asked: this.#options.onAsked,
      heard: () => {
        this.heardMs = clock.monotonicMs();
        this.failure = null;
        this.#owing = false;
        this.#failures = 0;
      },
      broken: (fruitful, owing) => {
        this.#owing ||= owing;
        if (!fruitful) this.#failed();
        this.#options.onTrouble();
      },
    });
  }

  async #dial(service: string): Promise<Session> {
    const { host, clientId, nodeId, address } = this.#options;
    const attributes = {
      "ottla-protocol": "1-1",
      "ottla-client-id": clientId,
      ...(nodeId === null ? {} : { "ottla-node-id": String(nodeId) }),
    };
    if (this.backoffMs > 0) await delay(host.clock, this.backoffMs, this.#closing.signal);
    const limit = deadline(host.clock, CONNECT_TIMEOUT_MS, `Connecting to ${this.label}`, this.#closing.signal);
    this.triedMs = host.clock.monotonicMs();
    this.#diallingSinceMs ??= this.triedMs;
    this.#options.onAsked();
    try {
      const session = await host.network.dial(address, service, { attributes, maxFrameBytes: MAX_FRAME_BYTES, signal: limit.signal });
      const stranger = this.#options.checkCluster(session.attributes["ottla-cluster-id"] ?? "", this.label);
      if (stranger === null) return session;
      session.close();
      throw this.#refused(new ConnectionError(this.label, false, stranger, { error: "INCONSISTENT_CLUSTER_ID" }));
    } catch (cause) {
      throw cause instanceof ConnectionError ? cause : this.#refused(this.#failureOf(cause));
    } finally {
      this.#diallingSinceMs = null;
      limit.cancel();
    }
  }

  #failureOf(cause: unknown): ConnectionError {
    const reason = cause instanceof NetworkError ? cause.reason.code : undefined;
    const wrong = cause instanceof NetworkError ? wrongDoor(this.label, cause) : null;
    if (wrong !== null) return new ConnectionError(this.label, false, wrong.message, { error: wrong.error, reason, cause });
    const hint = cause instanceof NetworkError ? doorHint(cause) : "";
    return new ConnectionError(this.label, false, `Cannot connect to ${this.label}: ${messageOf(cause)}${hint}`, { reason, cause });
  }

  #refused(failure: ConnectionError): ConnectionError {
    this.#failed();
    this.failure = failure;
    this.#options.onTrouble();
    return failure;
  }

  #failed(): void {
    const { clock, random } = this.#options.host;
    this.#failures++;
    this.#readyMs = clock.monotonicMs() + (this.#failures === 1 ? 0 : backoffMs(random, this.#failures - 1, RECONNECT));
  }
}
