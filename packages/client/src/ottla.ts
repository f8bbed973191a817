import { nodeHost, silentLogger, type Host, type Logger } from "@ottla/host";
import { Admin } from "./admin/admin.ts";
import { parseBootstrap } from "./connection/address.ts";
import { Cluster } from "./connection/cluster.ts";
import type { Assignable, ConsumerOptions, RecordOf } from "./consumer/api.ts";
import { Consumer } from "./consumer/consumer.ts";
import { ClosedError, OptionError } from "./errors.ts";
import { onlyKnown, show, wholeNumber } from "./options.ts";
import type { ProducerOptions } from "./producer/api.ts";
import { Producer } from "./producer/producer.ts";

export interface OttlaOptions {
  /** Some brokers of the cluster as `host:port`, two or three so that one may be down; all others are found through them. Also where the client
   * comes back to when no broker it knows of answers. */
  readonly bootstrap: string | readonly string[];
  /** How brokers name this program in logs and metrics. `ottla-client`. */
  readonly clientId?: string;
  /** What the machine offers; tests pass another one. */
  readonly host?: Host;
  /** Any pino logger is one; silent by default. */
  readonly logger?: Logger;
  /** Of one call until its answer, with all tries at whatever brokers. 30 000 ms. */
  readonly requestTimeoutMs?: number;
  /** How old what is known of topics may become: how long new partitions may stay unseen. Of a leader that moved the client hears by the first
   * failure, or from the broker that led before. 60 000 ms. */
  readonly metadataMaxAgeMs?: number;
}

/** A cluster as a program sees it. Nothing is connected before it is needed.
 *
 * Brokers may die, stand still, move and come back: what is under way is tried again elsewhere until its time is up, and only then, or when trying
 * again cannot help, is there an error. Brokers of another cluster, and doors that are not for clients, are refused by name.
 *
 * ```ts
 * await using ottla = new Ottla({ bootstrap: "localhost:9093" });
 * ```
 * @throws OptionError (the constructor) naming option, value and range */
export class Ottla implements AsyncDisposable {
  readonly #host: Host;
  readonly #ownsHost: boolean;
  readonly #cluster: Cluster;
  readonly #open = new Set<AsyncDisposable>();
  #closed: Promise<void> | null = null;

  constructor(options: OttlaOptions) {
    onlyKnown("the client", options, ["bootstrap", "clientId", "host", "logger", "requestTimeoutMs", "metadataMaxAgeMs"]);
    const { clientId = "ottla-client" } = options;
    if (typeof clientId !== "string" || !/^[\x21-\x7e]{1,200}$/.test(clientId))
      throw new OptionError("clientId", `Cannot use clientId: ${show(clientId)}: it must be 1 to 200 visible ASCII characters`);
    const bootstrap = parseBootstrap(options.bootstrap);
    const requestTimeoutMs = wholeNumber("requestTimeoutMs", options.requestTimeoutMs, 30_000, { least: 100, most: 3_600_000, unit: "ms" });
    const metadataMaxAgeMs = wholeNumber("metadataMaxAgeMs", options.metadataMaxAgeMs, 60_000, {
      least: 100,
      most: 86_400_000,
      unit: "ms",
    });
    this.#ownsHost = options.host === undefined;
    this.#host = options.host ?? nodeHost();
    this.#cluster = new Cluster({
      host: this.#host,
      logger: options.logger ?? silentLogger,
      bootstrap,
      clientId,
      requestTimeoutMs,
      metadataMaxAgeMs,
    });
  }

  producer(options: ProducerOptions = {}): Producer {
    this.#checkOpen("make a producer");
    return this.#track(new Producer(this.#cluster, options, (producer) => this.#open.delete(producer)));
  }

  consumer<const A extends Assignable>(options: ConsumerOptions<A>): Consumer<RecordOf<A>> {
    this.#checkOpen("make a consumer");
    return this.#track(new Consumer<RecordOf<A>>(this.#cluster, options, (consumer) => this.#open.delete(consumer)));
  }

  admin(): Admin {
    this.#checkOpen("make an admin");
    return new Admin(this.#cluster);
  }

  /** Closes its producers (they flush) and consumers (they commit), then the connections. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#open].map((each) => each[Symbol.asyncDispose]()));
    this.#cluster.close();
    if (this.#ownsHost) await this.#host.network.close();
  }

  #track<T extends AsyncDisposable>(part: T): T {
    this.#open.add(part);
    return part;
  }

  #checkOpen(action: string): void {
    if (this.#closed !== null) throw new ClosedError(action, "this client");
  }
}
