import type { Attributes, Host, Logger, Metric, Service, Session } from "@ottla/host";
import { LogDirectory } from "@ottla/log";
import { ClusterImage } from "@ottla/metadata";
import { type LoadedConfig, type NodeConfig, type pb, ProtocolError } from "@ottla/protocol";
import { ByteBudget } from "./byte-budget.ts";
import { AppliedIndex } from "./controller/applied-index.ts";
import { Deletions } from "./controller/deletions.ts";
import { Identity } from "./controller/identity.ts";
import { ControllerLink } from "./controller/link.ts";
import { MetadataFollower } from "./controller/metadata-follower.ts";
import { GrpcDoor } from "./grpc/grpc-door.ts";
import { RequestMetrics } from "./metrics/requests.ts";
import { brokerSamples } from "./metrics/samples.ts";
import { ProducerIds } from "./operations/producer-ids.ts";
import { Operations } from "./operations.ts";
import { Partitions } from "./partition/partitions.ts";
import { Retention } from "./partition/retention.ts";
import { endInOrder } from "./shutdown.ts";
import { Timeouts } from "./timeouts.ts";

export interface BrokerOptions {
  readonly host: Host;
  readonly config: NodeConfig;
  readonly loaded: LoadedConfig;
  readonly nodeId: number;
  /** The log directory: one directory per partition below it. */
  readonly directory: string;
  readonly version: string;
  readonly logger: Logger;
  /** The broker cannot go on: the process ends. */
  onFatal(error: Error): void;
  /** Under which addresses clients reach this node; asked when it registers. */
  endpoints(): pb.Endpoint[];
  dialController(service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
}

export interface BrokerHealth {
  /** False once it has failed for good. */
  readonly live: boolean;
  /** Whether clients are served. */
  readonly ready: boolean;
  /** Why not, or what else is wrong. */
  readonly reasons: string[];
}

/** One broker: the partitions on its disk, kept as the controllers say, and what clients may ask of them. */
export class Broker implements AsyncDisposable {
  /** For the gRPC door of the node. */
  readonly services: readonly Service[];
  /** Resolves once the broker is registered, unfenced, and its partitions are open. */
  readonly ready: Promise<void>;
  readonly #options: BrokerOptions;
  readonly #image = new ClusterImage();
  readonly #timeouts: Timeouts;
  readonly #directory: LogDirectory;
  readonly #partitions: Partitions;
  readonly #identity: Identity;
  readonly #applied: AppliedIndex;
  readonly #link: ControllerLink;
  readonly #follower: MetadataFollower;
  readonly #deletions: Deletions;
  readonly #retention: Retention;
  readonly #door: GrpcDoor;
  readonly #metrics = new RequestMetrics();
  readonly #requestBytes: ByteBudget;
  readonly #answerBytes: ByteBudget;
  #isReady = false;
  #becomeReady: () => void = () => {};
  #reportedStrays = false;
  #failed: Error | null = null;
  #ending: Promise<void> | null = null;

  private constructor(options: BrokerOptions, directory: LogDirectory) {
    const { host, config, loaded, nodeId, logger } = options;
    const { clock, disk, codecs, random } = host;
    this.#options = options;
    this.#directory = directory;
    this.#timeouts = new Timeouts(clock);
    this.#requestBytes = new ByteBudget(config.queuedMaxRequestBytes);
    this.#answerBytes = new ByteBudget(config.queuedMaxRequestBytes);
    this.ready = new Promise((resolve) => (this.#becomeReady = resolve));
    const surroundings = {
      nodeId,
      clock,
      disk,
      codecs,
      timeouts: this.#timeouts,
      directory,
      logger,
      producerExpirationMs: config.producerIdExpirationMs,
    };
    this.#partitions = new Partitions(surroundings, config, this.#image);
    const identity = new Identity(options, directory, this.#image);
    this.#identity = identity;
    this.#applied = new AppliedIndex(this.#timeouts, () => this.#onApplied());
    const { dialController } = options;
    const onFatal = (error: Error): void => this.#fail(error);
    this.#link = new ControllerLink({
      clock,
      timeouts: this.#timeouts,
      logger,
      heartbeatIntervalMs: config.brokerHeartbeatIntervalMs,
      sessionTimeoutMs: config.brokerSessionTimeoutMs,
      applied: this.#applied,
      attributes: () => identity.attributes,
      dialController,
      registration: () => identity.registration(options.endpoints()),
      onRegistered: (epoch) => this.#onRegistered(epoch),
      onFatal,
    });
    this.#deletions = new Deletions({
      clock,
      logger,
      image: this.#image,
      partitions: this.#partitions,
      nodeId,
      directoryId: directory.directoryId,
      confirm: (topicIds) => this.#link.command("confirmDeletion", { topicIds }, 10_000),
    });
    this.#follower = new MetadataFollower({
      clock,
      logger,
      image: this.#image,
      applied: this.#applied,
      attributes: () => identity.attributes,
      dialController,
      follow: async (change) => {
        const followed = this.#partitions.follow(change);
        this.#deletions.check();
        if (change.snapshot) this.#reportStrays();
        await followed;
      },
      onFatal,
    });
    this.#retention = new Retention(clock, this.#partitions, config.logRetentionCheckIntervalMs, logger);
    const operations = new Operations({
      nodeId,
      config,
      loaded,
      clock,
      random,
      codecs,
      logger,
      timeouts: this.#timeouts,
      image: this.#image,
      directory,
      space: () => disk.space(directory.path),
      partitions: this.#partitions,
      link: this.#link,
      producerIds: new ProducerIds(this.#link),
      answerBytes: this.#answerBytes,
    });
    this.#door = new GrpcDoor({
      nodeId,
      clock,
      timeouts: this.#timeouts,
      logger,
      operations,
      metrics: this.#metrics,
      requestBytes: this.#requestBytes,
      maxIdleMs: config.connectionsMaxIdleMs,
      clusterId: () => (this.#isReady && this.#image.clusterId !== null ? this.#image.clusterId : { notYet: "is starting" }),
    });
    this.services = this.#door.services;
  }

  /** Opens the logs on the disk, then joins the cluster in the background: {@link ready} tells when.
   * @throws DiskError and what the log says of files it cannot use */
  static async start(options: BrokerOptions): Promise<Broker> {
    const { host, config, logger } = options;
    let fail: (error: Error) => void = options.onFatal;
    const directory = await LogDirectory.open({
      disk: host.disk,
      clock: host.clock,
      random: host.random,
      directory: options.directory,
      cacheBytes: config.logCacheBytes,
      maxOpenFiles: config.logOpenFilesMax,
      minFreeBytes: config.logMinFreeBytes,
      logger,
      onFatal: (error) => fail(error),
    });
    const broker = new Broker(options, directory);
    fail = (error) => broker.#fail(error);
    try {
      broker.#identity.damaged = await broker.#partitions.openFound();
    } catch (error) {
      await broker.shutdown();
      throw error;
    }
    broker.#link.start();
    broker.#follower.start();
    return broker;
  }

  get health(): BrokerHealth {
    const reasons: string[] = [];
    if (this.#failed !== null) reasons.push(this.#failed.message);
    if (this.#ending !== null) reasons.push("the broker stops");
    if (this.#link.brokerEpoch === null) reasons.push("not registered with the controllers yet");
    else if (!this.#isReady) reasons.push("registered, but not yet unfenced or its partitions are not open yet");
    const { low, freeBytes, limitBytes } = this.#directory.freeSpace;
    const serving = this.#failed === null && this.#ending === null && this.#isReady;
    if (low)
      reasons.push(`writes are refused: ${freeBytes} bytes are free at ${this.#directory.path}, log.min.free.bytes keeps ${limitBytes}`);
    return { live: this.#failed === null, ready: serving, reasons };
  }

  samples(): Metric[] {
    return [
      ...this.#metrics.samples(),
      ...brokerSamples({
        nodeId: this.#options.nodeId,
        partitions: this.#partitions,
        image: this.#image,
        directory: this.#directory,
        sessions: this.#door.sessions,
        requestBytes: this.#requestBytes.used,
        answerBytes: this.#answerBytes.used,
      }),
    ];
  }

  /** Ends in order: nothing new is taken, what was taken is answered within `shutdown.timeout.ms`, the controllers move leadership away, and
   * the logs are closed with the mark of a clean stop. Idempotent. */
  shutdown(): Promise<void> {
    this.#ending ??= endInOrder({
      clock: this.#options.host.clock,
      logger: this.#options.logger,
      timeoutMs: this.#options.config.shutdownTimeoutMs,
      door: this.#door,
      link: this.#link,
      follower: this.#follower,
      deletions: this.#deletions,
      retention: this.#retention,
      partitions: this.#partitions,
      directory: this.#directory,
      timeouts: this.#timeouts,
      failed: () => this.#failed !== null,
    });
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #onRegistered(epoch: number): void {
    this.#options.logger.info({ brokerEpoch: epoch }, "Registered with the controllers");
    this.#partitions.brokerEpoch = epoch;
    this.#onApplied();
  }

  #onApplied(): void {
    this.#link.tellApplied();
    this.#follower.acknowledge();
    const { nodeId } = this.#options;
    const self = this.#image.brokers.get(nodeId);
    const { brokerEpoch } = this.#link;
    if (self === undefined || brokerEpoch === null) return;
    if (self.brokerEpoch > brokerEpoch)
      return this.#fail(
        new Error(
          `Another process has registered as node ${nodeId} (broker epoch ${self.brokerEpoch}, here ${brokerEpoch}): give one of them another node.id`,
        ),
      );
    if (this.#isReady || self.fenced || self.brokerEpoch < brokerEpoch) return;
    this.#isReady = true;
    this.#becomeReady();
  }

  #reportStrays(): void {
    if (this.#reportedStrays) return;
    this.#reportedStrays = true;
    const strays = this.#partitions.strays();
    if (strays.length === 0) return;
    const logs = strays.slice(0, 20).map(({ log }) => log.directory);
    this.#options.logger.warn(
      { count: strays.length, logs },
      "Logs on the disk belong to no topic of this cluster; they are kept, and nothing reads them",
    );
  }

  #fail(error: Error): void {
    if (this.#failed !== null) return;
    this.#failed = error;
    this.#partitions.fail(new ProtocolError("KAFKA_STORAGE_ERROR", `The node stops: ${error.message}`, { cause: error }));
    this.#options.onFatal(error);
  }
}
