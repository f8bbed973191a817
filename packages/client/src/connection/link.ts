import { deadline, delay, NetworkError, type Address, type Host, type Session } from "@ottla/host";
import { pb, services } from "@ottla/protocol";
import { ConnectionError, messageOf } from "../errors.ts";
import { showAddress } from "./address.ts";
import { backoffMs } from "./backoff.ts";
import { Exchange } from "./exchange.ts";

/** Above what any broker sends: the largest batch allowed (64 MiB) and its envelope. */
const MAX_FRAME_BYTES = 68 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 3_000;
const RECONNECT = { firstMs: 50, mostMs: 1_000 };

export interface LinkOptions {
  readonly host: Host;
  readonly clientId: string;
  /** null: a bootstrap address, behind which any node may be. */
  readonly nodeId: number | null;
  readonly address: Address;
  /** A stream failed: what is known about the cluster may be old. */
  readonly onTrouble: () => void;
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
  /** Why it could not be reached, while that is so. */
  failure: ConnectionError | null = null;
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  #failures = 0;
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
      heard: () => {
        this.heardMs = clock.monotonicMs();
        this.failure = null;
        this.#failures = 0;
      },
      broken: (fruitful) => {
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
    try {
      return await host.network.dial(address, service, { attributes, maxFrameBytes: MAX_FRAME_BYTES, signal: limit.signal });
    } catch (cause) {
      const reason = cause instanceof NetworkError ? cause.reason.code : undefined;
      const failure = new ConnectionError(this.label, false, `Cannot connect to ${this.label}: ${messageOf(cause)}`, { reason, cause });
      this.#failed();
      this.failure = failure;
      this.#options.onTrouble();
      throw failure;
    } finally {
      limit.cancel();
    }
  }

  #failed(): void {
    const { clock, random } = this.#options.host;
    this.#failures++;
    this.#readyMs = clock.monotonicMs() + backoffMs(random, this.#failures, RECONNECT);
  }
}
