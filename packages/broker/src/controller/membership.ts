import type { Address, Attributes, Host, Logger, NetworkError, Session } from "@ottla/host";
import type { LogDirectory } from "@ottla/log";
import type { ClusterImage, ImageChange } from "@ottla/metadata";
import type { NodeConfig, pb } from "@ottla/protocol";
import type { Partitions } from "../partition/partitions.ts";
import type { Timeouts } from "../timeouts.ts";
import { AppliedIndex } from "./applied-index.ts";
import { Controllers } from "./controllers.ts";
import { Deletions } from "./deletions.ts";
import { Identity } from "./identity.ts";
import { ControllerLink } from "./link.ts";
import { MetadataFollower } from "./metadata-follower.ts";
import { checkReachability } from "./reachability.ts";

const CONFIRM_TIMEOUT_MS = 10_000;
/** How long the controllers may take to move leadership away; a node that is its own controller may have none left to ask. */
const GOODBYE_MAX_MS = 3000;
/** Stray logs named in the warning about them. */
const STRAYS_NAMED = 20;

export interface MembershipOptions {
  readonly host: Host;
  readonly config: NodeConfig;
  readonly nodeId: number;
  readonly version: string;
  readonly logger: Logger;
  readonly timeouts: Timeouts;
  readonly image: ClusterImage;
  readonly directory: LogDirectory;
  readonly partitions: Partitions;
  endpoints(): pb.Endpoint[];
  readonly clusterId: string | null;
  readonly ownController: ((service: string, attributes: Attributes) => Promise<Session>) | null;
  dialNode(address: Address, nodeId: number | null, service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
  onFatal(error: Error): void;
}

/** The broker's place in its cluster: registered with the controllers, following their metadata, doing to its partitions what they decide. */
export class Membership {
  readonly link: ControllerLink;
  /** Resolves once the broker is registered, unfenced, and its partitions are open. */
  readonly ready: Promise<void>;
  readonly #options: MembershipOptions;
  readonly #identity: Identity;
  readonly #follower: MetadataFollower;
  readonly #deletions: Deletions;
  #isReady = false;
  #becomeReady: () => void = () => {};
  #reportedStrays = false;
  #goodbye: Promise<void> | null = null;
  readonly #stop = new AbortController();
  #checking: Promise<void> = Promise.resolve();

  constructor(options: MembershipOptions) {
    const { host, config, nodeId, logger, timeouts, image, directory, partitions, onFatal } = options;
    const { clock } = host;
    this.#options = options;
    this.ready = new Promise((resolve) => (this.#becomeReady = resolve));
    const identity = new Identity(options, directory, image);
    const applied = new AppliedIndex(timeouts, () => this.#onApplied());
    const controllers = new Controllers(options);
    const joint = {
      clock,
      logger,
      applied,
      attributes: () => identity.attributes,
      candidates: () => controllers.candidates(),
      onRefused: (error: NetworkError) => onFatal(new Error(`The controllers refuse this node: ${error.message}`, { cause: error })),
      onFatal,
    };
    this.#identity = identity;
    this.link = new ControllerLink({
      ...joint,
      nodeId,
      timeouts,
      heartbeatIntervalMs: config.brokerHeartbeatIntervalMs,
      sessionTimeoutMs: config.brokerSessionTimeoutMs,
      registration: () => identity.registration(options.endpoints()),
      lowSpace: () => {
        const { low, freeBytes, limitBytes } = directory.freeSpace;
        return low ? { freeBytes, limitBytes } : undefined;
      },
      onRegistered: (epoch) => this.#onRegistered(epoch),
      onCommitted: (index) => this.#follower.committed(index),
    });
    this.#follower = new MetadataFollower({
      ...joint,
      image,
      follow: (change) => this.#follow(change),
      onLeader: (leader, term) => this.link.leads(leader, term),
    });
    const confirm = (topicIds: Uint8Array[]): Promise<unknown> => this.link.command("confirmDeletion", { topicIds }, CONFIRM_TIMEOUT_MS);
    this.#deletions = new Deletions({ clock, logger, image, partitions, nodeId, directoryId: directory.directoryId, confirm });
  }

  /** What this broker says of itself to whomever it dials. */
  get attributes(): Attributes {
    return this.#identity.attributes;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Whether the controllers count on this broker now: it may have been fenced since it was ready. */
  get isServing(): boolean {
    return this.#isReady && this.#self?.fenced === false;
  }

  /** What stands between this broker and its cluster, for people. */
  get troubles(): string[] {
    const { failures } = this.link;
    const alone = failures.length === 0 ? [] : [`no controller can be asked (${failures.join("; ")})`];
    if (this.link.brokerEpoch === null) return ["not registered with the controllers yet", ...alone];
    if (!this.#isReady) return ["registered, but not yet unfenced or its partitions are not open yet", ...alone];
    if (!this.isServing) return ["fenced: the controllers heard nothing of it for too long", ...alone];
    return alone;
  }

  /** Whether another broker could take over. */
  get hasPeers(): boolean {
    const { image, nodeId } = this.#options;
    return [...image.brokers.values()].some((broker) => broker.nodeId !== nodeId && !broker.fenced && !broker.shuttingDown);
  }

  get #self(): pb.BrokerRecord | undefined {
    const { image, nodeId } = this.#options;
    const self = image.brokers.get(nodeId);
    return self !== undefined && self.brokerEpoch === this.link.brokerEpoch ? self : undefined;
  }

  /** Tells the controllers, once, that this broker stops: resolves when they have moved leadership away, or had the time for it. Never rejects. */
  sayGoodbye(timeoutMs: number): Promise<void> {
    const { logger } = this.#options;
    if (this.link.brokerEpoch === null) return Promise.resolve();
    this.#goodbye ??= this.link.command("shutdown", {}, Math.min(GOODBYE_MAX_MS, timeoutMs)).then(
      () => {},
      (error: unknown) => logger.warn({ err: error }, "The controllers could not be told that the broker stops"),
    );
    return this.#goodbye;
  }

  /** @param damaged what was found when the logs were opened */
  async join(damaged: pb.DamagedReplica[]): Promise<void> {
    this.#identity.damaged = damaged;
    await this.#identity.begin();
    this.link.start();
    this.#follower.start();
  }

  /** Stops following; the link goes on, for the last words. */
  async stopFollowing(): Promise<void> {
    this.#stop.abort(new Error("the broker stops"));
    await Promise.all([this.#follower.close(), this.#deletions.close(), this.#checking]);
  }

  async #follow(change: ImageChange): Promise<void> {
    const followed = this.#options.partitions.follow(change);
    this.#deletions.check();
    if (change.snapshot) this.#reportStrays();
    await followed;
  }

  #onRegistered(epoch: number): void {
    this.#options.logger.info({ brokerEpoch: epoch }, "Registered with the controllers");
    this.#identity.registered();
    this.#options.partitions.brokerEpoch = epoch;
    this.#onApplied();
  }

  #onApplied(): void {
    this.link.tellApplied();
    this.#follower.acknowledge();
    const { nodeId, image, onFatal } = this.#options;
    const self = image.brokers.get(nodeId);
    const { brokerEpoch } = this.link;
    if (self === undefined || brokerEpoch === null) return;
    if (self.brokerEpoch > brokerEpoch) {
      const epochs = `broker epoch ${self.brokerEpoch}, here ${brokerEpoch}`;
      return onFatal(new Error(`Another process has registered as node ${nodeId} (${epochs}): give one of them another node.id`));
    }
    if (this.#isReady || self.fenced || self.brokerEpoch < brokerEpoch) return;
    this.#isReady = true;
    this.#becomeReady();
    this.#checking = checkReachability(this.#options, this.#stop.signal);
  }

  #reportStrays(): void {
    if (this.#reportedStrays) return;
    this.#reportedStrays = true;
    const strays = this.#options.partitions.strays();
    if (strays.length === 0) return;
    const logs = strays.slice(0, STRAYS_NAMED).map(({ log }) => log.directory);
    this.#options.logger.warn(
      { count: strays.length, logs },
      "Logs on the disk belong to no topic of this cluster; they are kept, and nothing reads them",
    );
  }
}
