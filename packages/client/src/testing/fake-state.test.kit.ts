import type { MemoryHost } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import { decodeBatch, errors, ProtocolError, uuidFromBytes, type ErrorName, type Uuid } from "@ottla/protocol";
import { FakePartition } from "./fake-partition.test.kit.ts";

/** What happens to one produce request. A stream that breaks does so after `lingersMs`; `stale` of the requests that came behind are still
 * carried out, and nobody hears of it. */
export type Fault =
  | { readonly kind: "error"; readonly error: ErrorName; readonly appended?: boolean }
  | { readonly kind: "break"; readonly appended: boolean; readonly stale?: number; readonly lingersMs?: number }
  | { readonly kind: "slow"; readonly ms: number }
  | { readonly kind: "silent" };

export interface FakeTopic {
  readonly name: string;
  readonly id: Uint8Array;
  partitions: FakePartition[];
  readonly configs: Map<string, string>;
}

export interface Committed {
  topic: Uuid;
  partition: number;
  offset: number;
  leaderEpoch: number;
  metadata: string;
}

/** What all brokers of a fake cluster share: topics with their logs, groups, and what shall go wrong. */
export class FakeState {
  /** Where clients run. */
  readonly host: MemoryHost;
  readonly nodeIds: number[] = [];
  readonly topics = new Map<string, FakeTopic>();
  readonly groups = new Map<string, Committed[]>();
  /** Asked for each produce request in the order of arrival. */
  onProduce: (broker: number, requests: number) => Fault | undefined = () => undefined;
  /** Asked for each fetched partition. */
  onFetch: (topic: string, partition: number) => ErrorName | undefined = () => undefined;
  onCall: (name: string, broker: number) => ErrorName | "silent" | undefined = () => undefined;
  /** Answers the calls about the cluster's shape, which the fake has none of. */
  onShape: (call: pb.CallRequest["call"]) => pb.CallResponse["answer"] = (call) => {
    throw new Error(`the fake does not answer ${String(call.case)}`);
  };
  /** Whether brokers know all that the controllers do. */
  current = true;
  /** What brokers that other nodes cannot reach go on telling of topics, by broker and topic. */
  readonly stale = new Map<number, ReadonlyMap<string, pb.PartitionMetadata[]>>();
  producerIds = 0;
  readonly calls: string[] = [];

  constructor(host: MemoryHost) {
    this.host = host;
  }

  get clock(): MemoryHost["clock"] {
    return this.host.clock;
  }

  addTopic(name: string, partitions = 1): FakeTopic {
    const nodes = this.nodeIds;
    const topic: FakeTopic = {
      name,
      id: this.host.random.uuid(),
      partitions: Array.from({ length: partitions }, (_, index) => new FakePartition(nodes[index % nodes.length] ?? 1)),
      configs: new Map(),
    };
    this.topics.set(name, topic);
    return topic;
  }

  partition(name: string, partition = 0): FakePartition {
    const found = this.topics.get(name)?.partitions[partition];
    if (found === undefined) throw new ProtocolError("UNKNOWN_TOPIC_OR_PARTITION", `${name}-${partition}`);
    return found;
  }

  /** The values in the log, as text. */
  async values(name: string, partition = 0): Promise<string[]> {
    const decoded = await Promise.all(this.partition(name, partition).batches.map(({ bytes }) => decodeBatch(bytes, 0, this.host.codecs)));
    return decoded.flat().map(({ value }) => (value === null ? "" : Buffer.from(value).toString()));
  }

  byId(id: Uint8Array): FakeTopic | undefined {
    const wanted = uuidFromBytes(id);
    return [...this.topics.values()].find((topic) => uuidFromBytes(topic.id) === wanted);
  }

  /** Who leads, as far as that broker knows. */
  hint(broker: number, partition: FakePartition | undefined): pb.LeaderHint | undefined {
    return partition === undefined || this.stale.has(broker) ? undefined : { nodeId: partition.leader, leaderEpoch: partition.leaderEpoch };
  }

  /** Hands the partition to another broker. */
  move(partition: FakePartition, leader: number): void {
    partition.leader = leader;
    partition.leaderEpoch++;
  }
}

export function codeOf(error: ErrorName): number {
  return errors[error].code;
}
