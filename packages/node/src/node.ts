import { resolve } from "node:path";
import { type Address, type Host, type Logger, type Metric, nodeHost } from "@ottla/host";
import { assert, type LoadedConfig } from "@ottla/protocol";
import { DataDirectory } from "./data-directory.ts";
import { FatalSignal } from "./fatal.ts";
import type { Health } from "./http/http-door.ts";
import { defaultLogger } from "./logger.ts";
import { type NodeInspector, Parts } from "./parts.ts";
import { loadSettings, type Settings } from "./settings.ts";

export interface NodeOptions {
  /** Settings by their dotted names; what is not named has its default (docs/config.md). */
  readonly config?: Settings;
  /** Instead of `config`: settings already gathered from a file, the environment and flags. */
  readonly loaded?: LoadedConfig;
  /** The machine to run on; the real one by default. */
  readonly host?: Host;
  /** Any pino logger; by default warnings and errors go to standard error. */
  readonly logger?: Logger;
  /** Ends a start that is under way, in order; {@link Node.start} then rejects with its reason. A node that has started is ended by `close`. */
  readonly signal?: AbortSignal;
  /** For tests and tools that look at what a node does inside. */
  readonly inspector?: NodeInspector;
}

/** One Ottla node: a controller, a broker, or both, in this process. Several may live side by side with different data directories and ports.
 *
 * ```ts
 * await using node = await Node.start({ config: { "data.dir": "./data", "grpc.listeners": "127.0.0.1:0" } });
 * const ottla = new Ottla({ bootstrap: node.bootstrap });
 * ```
 */
export class Node implements AsyncDisposable {
  readonly nodeId: number;
  readonly dataDirectory: string;
  /** Resolves when the node has ended: with null after `close`, with the error that ended it otherwise. Never rejects. */
  readonly closed: Promise<Error | null>;
  /** Resolves when the node cannot go on; it then ends by itself, which a broken disk may hold up. Never rejects, and need not resolve. */
  readonly failed: Promise<Error>;
  readonly clusterId: string;
  readonly #parts: Parts;
  readonly #release: () => Promise<void>;
  readonly #logger: Logger;
  readonly #shutdownTimeoutMs: number;
  #closing: Promise<void> | undefined;
  #settleClosed: (error: Error | null) => void = () => {};
  #settleFailed: (error: Error) => void = () => {};

  private constructor({ config }: LoadedConfig, directory: DataDirectory, parts: Parts, release: () => Promise<void>, logger: Logger) {
    this.nodeId = config.nodeId;
    const { path, clusterId } = directory;
    assert(clusterId !== null, `node ${config.nodeId} serves, and its data directory belongs to no cluster`);
    this.dataDirectory = path;
    this.clusterId = clusterId;
    this.#parts = parts;
    this.#release = release;
    this.#logger = logger;
    this.#shutdownTimeoutMs = config.shutdownTimeoutMs;
    this.closed = new Promise((settle) => (this.#settleClosed = settle));
    this.failed = new Promise((settle) => (this.#settleFailed = settle));
  }

  /** Resolves once the node serves: registered, its partitions open, its doors answering.
   * @throws ConfigError listing every wrong setting
   * @throws Error naming what stands in the way and the setting that mends it: data directory, port, damaged files */
  static async start(options: NodeOptions = {}): Promise<Node> {
    const loaded = options.loaded ?? loadSettings(options.config ?? {});
    const { config } = loaded;
    const logger = options.logger ?? defaultLogger(config);
    for (const warning of loaded.warnings) logger.warn({}, warning);
    const host = options.host ?? nodeHost();
    const fatal = new FatalSignal();
    options.signal?.throwIfAborted();
    const onAbort = (): void => fatal.raise(reasonOf(options.signal));
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const directory = await DataDirectory.open(host.disk, resolve(config.dataDir), config.nodeId, logger);
    const release = async (): Promise<void> => {
      if (!options.host) await host.network.close();
      await directory[Symbol.asyncDispose]();
    };
    let parts: Parts;
    try {
      parts = await Parts.start({ host, loaded, logger, fatal, directory }, options.inspector ?? {});
    } catch (error) {
      await release();
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", onAbort);
    }
    const node = new Node(loaded, directory, parts, release, logger);
    fatal.onRaise((error) => {
      logger.error({ err: error }, `Node ${config.nodeId} stops: ${error.message}`);
      node.#settleFailed(error);
      void node.#end(error);
    });
    logger.info(
      { clusterId: node.clusterId, bootstrap: node.bootstrap, kafka: node.kafkaBootstrap, dataDir: node.dataDirectory },
      "Node is ready",
    );
    return node;
  }

  /** For `new Ottla({ bootstrap })`, such as `["127.0.0.1:9093"]`; empty for a node that is no broker. */
  get bootstrap(): string[] {
    return this.#parts.clients.bootstrap;
  }

  /** For Kafka's clients (`bootstrap.servers`), such as `["127.0.0.1:9092"]`; empty for a node that is no broker. */
  get kafkaBootstrap(): string[] {
    return this.#parts.kafka.bootstrap;
  }

  /** Of `/healthz`, `/readyz` and `/metrics`. */
  get httpAddress(): Address | null {
    return this.#parts.httpAddress;
  }

  get health(): Health {
    return this.#parts.health();
  }

  samples(): Metric[] {
    return this.#parts.samples();
  }

  /** Ends in order: no new requests, those in flight answered within `shutdown.timeout.ms`, logs closed clean. Idempotent. */
  close(): Promise<void> {
    return this.#end(null);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #end(error: Error | null): Promise<void> {
    this.#closing ??= (async () => {
      try {
        await (error === null ? this.#parts.close(this.#shutdownTimeoutMs) : this.#parts.abandon(error));
      } catch (cause) {
        // What ended the node says more than what then could not be ended in order.
        if (error === null) throw cause;
        this.#logger.error({ err: cause }, "A part of the node did not end in order");
      } finally {
        await this.#release();
        this.#settleClosed(error);
      }
    })();
    return this.#closing;
  }
}

function reasonOf(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error("The start was aborted", { cause: signal?.reason });
}
