import type { Attributes, Host } from "@ottla/host";
import type { LogDirectory } from "@ottla/log";
import { type ClusterImage, metadataVersions } from "@ottla/metadata";
import { type NodeConfig, type pb, type Uuid, uuidFromBytes, uuidToBytes } from "@ottla/protocol";
import { PROTOCOL_VERSIONS } from "../versions.ts";

/** Who this broker says it is: the node, its log directory, and this very start of it. */
export class Identity {
  /** Found when the logs were opened. */
  damaged: pb.DamagedReplica[] = [];
  #former: readonly Uuid[] = [];
  readonly #nodeId: number;
  readonly #rack: string;
  readonly #version: string;
  readonly #directory: LogDirectory;
  readonly #image: ClusterImage;
  readonly #incarnation: Uuid;
  readonly #clusterId: string | null;

  constructor(
    options: {
      readonly host: Host;
      readonly config: NodeConfig;
      readonly nodeId: number;
      readonly version: string;
      readonly clusterId: string | null;
    },
    directory: LogDirectory,
    image: ClusterImage,
  ) {
    this.#nodeId = options.nodeId;
    this.#rack = options.config.brokerRack;
    this.#version = options.version;
    this.#clusterId = options.clusterId;
    this.#directory = directory;
    this.#image = image;
    this.#incarnation = uuidFromBytes(options.host.random.uuid());
  }

  /** Resolves once the disk knows of this start: before the controllers do. */
  async begin(): Promise<void> {
    this.#former = await this.#directory.beginIncarnation(this.#incarnation);
  }

  registered(): void {
    this.#directory.incarnationRegistered();
  }

  get attributes(): Attributes {
    const clusterId = this.#image.clusterId ?? this.#clusterId;
    return {
      "ottla-protocol": `${PROTOCOL_VERSIONS.min}-${PROTOCOL_VERSIONS.max}`,
      ...(clusterId === null ? {} : { "ottla-cluster-id": clusterId }),
      "ottla-node-id": String(this.#nodeId),
      "ottla-directory-id": this.#directory.directoryId,
      "ottla-incarnation": this.#incarnation,
    };
  }

  registration(endpoints: pb.Endpoint[]): pb.RegisterCommand {
    return {
      nodeId: this.#nodeId,
      incarnation: uuidToBytes(this.#incarnation),
      directoryId: uuidToBytes(this.#directory.directoryId),
      endpoints,
      rack: this.#rack,
      version: this.#version,
      metadataVersionMin: metadataVersions.min,
      metadataVersionMax: metadataVersions.max,
      cleanShutdownEpoch: this.#directory.cleanShutdown?.brokerEpoch ?? 0,
      damaged: this.damaged,
      formerIncarnations: this.#former.map((each) => uuidToBytes(each)),
    };
  }
}
