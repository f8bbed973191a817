import type { Address, Attributes, Host, Logger, Metric, Service, Session } from "@ottla/host";
import { LogDirectory } from "@ottla/log";
import { ClusterImage } from "@ottla/metadata";
import { type LoadedConfig, type NodeConfig, type pb, ProtocolError } from "@ottla/protocol";
import { ByteBudget } from "./byte-budget.ts";
import { Membership } from "./controller/membership.ts";
import { GrpcDoor } from "./grpc/grpc-door.ts";
import { kafkaApis } from "./kafka/apis.ts";
import { KafkaDoor } from "./kafka/kafka-door.ts";
import type { KafkaEntrance } from "./kafka/kafka-entrance.ts";
import { GroupLag } from "./metrics/group-lag.ts";
import { RequestMetrics } from "./metrics/requests.ts";
import { brokerSamples } from "./metrics/samples.ts";
import type { BrokerParts } from "./operations/context.ts";
import { ProducerIds } from "./operations/producer-ids.ts";
import { Operations } from "./operations.ts";
import type { Partition } from "./partition/partition.ts";
import { Partitions } from "./partition/partitions.ts";
import { overruledSettings } from "./partition/settings.ts";
import { Retention } from "./partition/retention.ts";
import { Replication } from "./replication/replication.ts";
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
  /** Lets Kafka's clients in. */
  readonly kafka: KafkaEntrance;
  /** Under which addresses clients reach this node; asked when it registers. */
  endpoints(): pb.Endpoint[];
  /** The cluster that the data directory belongs to; null at the very first start. */
  readonly clusterId: string | null;
  /** Reaches the controller in this process; null when there is none. */
  readonly ownController: ((service: string, attributes: Attributes) => Promise<Session>) | null;
  /** Opens a session on the node door at an address. `nodeId` is who is expected there, null for whoever it is. */
  dialNode(address: Address, nodeId: number | null, service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
}

export interface BrokerInspection {
  /** Null until it is registered. */
  readonly brokerEpoch: number | null;
  readonly image: ClusterImage;
  readonly replicas: Iterable<Partition>;
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
  /** For the door between nodes. */
  readonly nodeServices: readonly Service[];
  /** Resolves once the broker is registered, unfenced, and its partitions are open. */
  readonly ready: Promise<void>;
  readonly #options: BrokerOptions;
  readonly #image = new ClusterImage();
  readonly #timeouts: Timeouts;
  readonly #directory: LogDirectory;
  readonly #replication: Replication;
  readonly #partitions: Partitions;
  readonly #membership: Membership;
  readonly #retention: Retention;
  readonly #door: GrpcDoor;
  readonly #kafka: KafkaDoor;
  readonly #metrics = new RequestMetrics();
  readonly #groupLag: GroupLag;
  readonly #requestBytes: ByteBudget;
  readonly #answerBytes: ByteBudget;
  #failed: Error | null = null;
  #ending: Promise<void> | null = null;

  private constructor(options: BrokerOptions, directory: LogDirectory) {
    const { host, config, nodeId, logger } = options;
    const { clock, disk, codecs } = host;
    const timeouts = new Timeouts(clock);
    const image = this.#image;
    this.#options = options;
    this.#directory = directory;
    this.#timeouts = timeouts;
    this.#requestBytes = new ByteBudget(config.queuedMaxRequestBytes);
    this.#answerBytes = new ByteBudget(config.queuedMaxRequestBytes);
    this.#replication = this.#openReplication();
    this.nodeServices = [this.#replication.service];
    this.#partitions = new Partitions(
      {
        nodeId,
        clock,
        disk,
        codecs,
        timeouts,
        directory,
        logger,
        producerExpirationMs: config.producerIdExpirationMs,
        lagMaxMs: config.replicaLagTimeMaxMs,
        peers: this.#replication,
      },
      config,
      image,
    );
    this.#membership = new Membership({
      ...options,
      timeouts,
      image,
      directory,
      partitions: this.#partitions,
      onFatal: (error) => this.fail(error),
    });
    this.ready = this.#membership.ready;
    void this.ready.then(() => {
      for (const text of overruledSettings(options.loaded, image)) logger.warn({}, text);
    });
    this.#groupLag = new GroupLag({ clock, logger, nodeId, image, partitions: this.#partitions, link: this.#membership.link });
    this.#retention = new Retention(clock, this.#partitions, config.logRetentionCheckIntervalMs, logger);
    const parts = this.#operationParts();
    const operations = new Operations(parts);
    this.#kafka = new KafkaDoor({
      clock,
      timeouts,
      logger,
      entrance: options.kafka,
      door: { operations, metrics: this.#metrics, parts, apis: kafkaApis(parts) },
      requestBytes: this.#requestBytes,
      answerBytes: this.#answerBytes,
      maxIdleMs: config.connectionsMaxIdleMs,
    });
    void this.ready.then(() => this.#kafka.open());
    this.#door = new GrpcDoor({
      nodeId,
      clock,
      timeouts,
      logger,
      operations,
      metrics: this.#metrics,
      requestBytes: this.#requestBytes,
      answerBytes: this.#answerBytes,
      maxIdleMs: config.connectionsMaxIdleMs,
      clusterId: () => (this.#membership.isReady && image.clusterId !== null ? image.clusterId : { notYet: "is starting" }),
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
    fail = (error) => broker.fail(error);
    try {
      await broker.#membership.join(await broker.#partitions.openFound());
    } catch (error) {
      await broker.shutdown();
      throw error;
    }
    return broker;
  }

  /** Null until the metadata have come. */
  get clusterId(): string | null {
    return this.#image.clusterId;
  }

  get health(): BrokerHealth {
    const reasons: string[] = [];
    if (this.#failed !== null) reasons.push(this.#failed.message);
    if (this.#ending !== null) reasons.push("the broker stops");
    reasons.push(...this.#membership.troubles);
    const { low, freeBytes, limitBytes } = this.#directory.freeSpace;
    const serving = this.#failed === null && this.#ending === null && this.#membership.isServing;
    if (low)
      reasons.push(`writes are refused: ${freeBytes} bytes are free at ${this.#directory.path}, log.min.free.bytes keeps ${limitBytes}`);
    return { live: this.#failed === null, ready: serving, reasons };
  }

  /** For checkers: cheap, live, and to be read only. */
  inspect(): BrokerInspection {
    return { brokerEpoch: this.#membership.link.brokerEpoch, image: this.#image, replicas: this.#partitions.all() };
  }

  samples(): Metric[] {
    return [
      ...this.#metrics.samples(),
      ...brokerSamples({
        nodeId: this.#options.nodeId,
        config: this.#options.config,
        groupLag: this.#groupLag,
        partitions: this.#partitions,
        image: this.#image,
        directory: this.#directory,
        sessions: this.#door.sessions,
        kafkaConnections: this.#kafka.connections,
        requestBytes: this.#requestBytes.used,
        answerBytes: this.#answerBytes.used,
      }),
    ];
  }

  /** It cannot go on: what waits is refused, and {@link shutdown} will tell nobody anything. */
  fail(error: Error): void {
    if (this.#failed !== null) return;
    this.#failed = error;
    this.#partitions.fail(new ProtocolError("KAFKA_STORAGE_ERROR", `The node stops: ${error.message}`, { cause: error }));
    this.#options.onFatal(error);
  }

  /** Has the leadership of its partitions moved to other brokers, if there are any, while clients are still answered: they learn from here
   * where to go on. The first step of an end in order. */
  async resign(): Promise<void> {
    const { config } = this.#options;
    if (this.#failed === null && this.#membership.hasPeers) await this.#membership.sayGoodbye(config.shutdownTimeoutMs / 2);
  }

  /** Ends in order: nothing new is taken, what was taken is answered within `shutdown.timeout.ms`, the controllers move leadership away, and
   * the logs are closed with the mark of a clean stop. Idempotent. */
  shutdown(): Promise<void> {
    this.#ending ??= endInOrder({
      clock: this.#options.host.clock,
      logger: this.#options.logger,
      timeoutMs: this.#options.config.shutdownTimeoutMs,
      doors: [this.#door, this.#kafka],
      membership: this.#membership,
      retention: this.#retention,
      replication: this.#replication,
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

  #openReplication(): Replication {
    const { host, nodeId, logger } = this.#options;
    return new Replication({
      nodeId,
      clock: host.clock,
      logger,
      image: this.#image,
      find: (topicId, index) => this.#partitions.get(topicId, index),
      attributes: () => this.#membership.attributes,
      dialNode: (...to) => this.#options.dialNode(...to),
      alterPartitions: (value, timeoutMs) => this.#membership.link.command("alterPartitions", value, timeoutMs),
      reportTruncations: (value, timeoutMs) => this.#membership.link.command("reportTruncations", value, timeoutMs),
    });
  }

  #operationParts(): BrokerParts {
    const { host, config, loaded, nodeId, logger } = this.#options;
    const { clock, codecs, random } = host;
    const { link } = this.#membership;
    return {
      nodeId,
      config,
      loaded,
      clock,
      random,
      codecs,
      logger,
      timeouts: this.#timeouts,
      image: this.#image,
      directory: this.#directory,
      space: () => host.disk.space(this.#directory.path),
      partitions: this.#partitions,
      link,
      producerIds: new ProducerIds(link),
      answerBytes: this.#answerBytes,
    };
  }
}
