import { addresses } from "../addresses.ts";
import { int, long, oneOf, string } from "../kinds.ts";
import { listeners, protocolMap } from "../listeners.ts";

const minute = 60_000;
const KiB = 1024;
const MiB = 1024 * KiB;

/** Where a node listens, and how much it takes at once. */
export const doorSettings = {
  listeners: listeners({
    use: "listen",
    defaultText: "PLAINTEXT://127.0.0.1:9092; a free port when grpc.listeners is set to another port than 9093",
    doc: "Where Kafka's clients are accepted: NAME://host:port, as in Kafka. A client is told the addresses of the brokers' listeners of the name through which it came. Loopback by default, because there is no encryption and no authentication; PLAINTEXT://:9092 opens it to the network. Port 0 picks a free one.",
  }),
  advertisedListeners: listeners({
    use: "advertise",
    defaultText: "(none)",
    doc: "The addresses under which Kafka's clients reach this node when they differ from listeners: behind a container's port mapping or a proxy. A listener that is not named here is told as the address at which the client's own connection ends, to clients of other nodes as it stands in listeners.",
  }),
  listenerSecurityProtocolMap: protocolMap({
    default: new Map(["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"].map((name) => [name, name])),
    doc: "What is spoken at a listener of a name, for names of one's own such as INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT. Listeners can speak PLAINTEXT only in this version.",
  }),
  socketRequestMaxBytes: int({
    default: 100 * MiB,
    min: KiB,
    doc: "The largest request of a Kafka client, in bytes; the connection that says it brings more is closed.",
  }),
  grpcListeners: addresses({
    default: [{ host: "127.0.0.1", port: 9093 }],
    names: ["GRPC", "PLAINTEXT"],
    use: "listen",
    allowEmpty: false,
    doc: "Where clients are accepted. Loopback by default, because there is no encryption and no authentication; 0.0.0.0:9093 opens it to the network. Port 0 picks a free one.",
  }),
  grpcAdvertisedListeners: addresses({
    default: [],
    defaultText: "(none)",
    names: ["GRPC", "PLAINTEXT"],
    use: "advertise",
    allowEmpty: true,
    doc: "The addresses under which clients reach this node when they differ from grpc.listeners: behind a container's port mapping or a proxy. Without it the address that the client dialled is answered.",
  }),
  httpListeners: addresses({
    default: [{ host: "127.0.0.1", port: 9094 }],
    names: ["HTTP", "PLAINTEXT"],
    use: "listen",
    allowEmpty: true,
    doc: "Where /healthz, /readyz and /metrics answer. Nothing: not at all. Port 0 picks a free one.",
  }),
  nodeListeners: addresses({
    default: [],
    defaultText: "127.0.0.1:9095; another port and host by controller.quorum.voters",
    names: ["NODE", "PLAINTEXT"],
    use: "listen",
    allowEmpty: false,
    doc: "Where the other nodes of the cluster reach this one; clients have no business there. Without it: the port that controller.quorum.voters names for this node, on loopback if its host there is loopback, else on every interface. For a node that is not named there 127.0.0.1:9095, or a free port when grpc.listeners is set. Port 0 picks a free one.",
  }),
  nodeAdvertisedListeners: addresses({
    default: [],
    defaultText: "(as in controller.quorum.voters, else node.listeners)",
    names: ["NODE", "PLAINTEXT"],
    use: "advertise",
    allowEmpty: true,
    doc: "The address under which the other nodes reach this one when it differs from node.listeners.",
  }),
  brokerRack: string({ default: "", allowEmpty: true, doc: "The rack or zone that this node stands in, told to clients." }),
  maxConnections: int({
    default: 10_000,
    min: 1,
    doc: "Client connections held at once, of Kafka's clients and of gRPC clients each; a further one is refused.",
  }),
  connectionsMaxIdleMs: long({
    default: 10 * minute,
    min: 1000,
    max: 2_147_483_647,
    doc: "A client connection on which nothing was said for so many milliseconds is closed.",
  }),
  grpcMaxMessageBytes: int({
    default: 8 * MiB,
    min: 64 * KiB,
    max: 128 * MiB,
    doc: "The largest gRPC message, in bytes. At least 64 KiB above message.max.bytes.",
  }),
  queuedMaxRequestBytes: long({
    default: 256 * MiB,
    min: MiB,
    doc: "Bytes of requests that may wait inside the node; above it nothing more is read from clients. Half as much again may be requests of Kafka's clients that are still arriving. At least grpc.max.message.bytes.",
  }),
  fetchMaxBytes: int({
    default: 50 * MiB,
    min: KiB,
    doc: "The most bytes that one fetch is answered with, whatever the client allows. A first batch that is larger is sent whole.",
  }),
  maxIncrementalFetchSessionCacheSlots: int({
    default: 1000,
    min: 0,
    doc: "Fetch sessions of Kafka clients kept at once (KIP-227). A client without one names all its partitions in each request.",
  }),
  shutdownTimeoutMs: long({
    default: 30_000,
    min: 100,
    max: 2_147_483_647,
    doc: "How long a node that is told to stop may take to end in order, in milliseconds.",
  }),
  logLevel: oneOf(["debug", "info", "warn", "error", "silent"], { default: "info", doc: "The least severe message that is logged." }),
} as const;
