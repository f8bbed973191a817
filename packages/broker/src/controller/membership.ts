import type { Attributes, Host, Logger, Session } from "@ottla/host";
import type { LogDirectory } from "@ottla/log";
import type { ClusterImage, ImageChange } from "@ottla/metadata";
import type { NodeConfig, pb } from "@ottla/protocol";
import type { Partitions } from "../partition/partitions.ts";
import type { Timeouts } from "../timeouts.ts";
import { AppliedIndex } from "./applied-index.ts";
import { Deletions } from "./deletions.ts";
import { Identity } from "./identity.ts";
import { ControllerLink } from "./link.ts";
import { MetadataFollower } from "./metadata-follower.ts";

const CONFIRM_TIMEOUT_MS = 10_000;
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
  dialController(service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
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

  constructor(options: MembershipOptions) {
    const { host, config, nodeId, logger, timeouts, image, directory, partitions, dialController, onFatal } = options;
    const { clock } = host;
    this.#options = options;
    this.ready = new Promise((resolve) => (this.#becomeReady = resolve));
    const identity = new Identity(options, directory, image);
    const applied = new AppliedIndex(timeouts, () => this.#onApplied());
    const joint = { clock, logger, applied, attributes: () => identity.attributes, dialController, onFatal };
    this.#identity = identity;
    this.link = new ControllerLink({
      ...joint,
      timeouts,
      heartbeatIntervalMs: config.brokerHeartbeatIntervalMs,
      sessionTimeoutMs: config.brokerSessionTimeoutMs,
      registration: () => identity.registration(options.endpoints()),
      onRegistered: (epoch) => this.#onRegistered(epoch),
    });
    this.#follower = new MetadataFollower({ ...joint, image, follow: (change) => this.#follow(change) });
    const confirm = (topicIds: Uint8Array[]): Promise<unknown> => this.link.command("confirmDeletion", { topicIds }, CONFIRM_TIMEOUT_MS);
    this.#deletions = new Deletions({ clock, logger, image, partitions, nodeId, directoryId: directory.directoryId, confirm });
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** @param damaged what was found when the logs were opened */
  join(damaged: pb.DamagedReplica[]): void {
    this.#identity.damaged = damaged;
    this.link.start();
    this.#follower.start();
  }

  /** Stops following; the link goes on, for the last words. */
  async stopFollowing(): Promise<void> {
    await Promise.all([this.#follower.close(), this.#deletions.close()]);
  }

  async #follow(change: ImageChange): Promise<void> {
    const followed = this.#options.partitions.follow(change);
    this.#deletions.check();
    if (change.snapshot) this.#reportStrays();
    await followed;
  }

  #onRegistered(epoch: number): void {
    this.#options.logger.info({ brokerEpoch: epoch }, "Registered with the controllers");
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
