import { type Attributes, createSessionPair, type Session } from "@ottla/host";
import { pb, services, type Uuid, uuidToBytes } from "@ottla/protocol";

/** What a broker sees of the controllers, decided by the test: one leader, everything committed at once. */
export class StandInController {
  readonly requests: pb.SessionRequest[] = [];
  readonly confirmedDeletions: Uint8Array[] = [];
  readonly sessions: Session[] = [];
  /** Commands of these kinds are taken and not answered. */
  readonly ignored = new Set<string>();
  /** Topics of these names are refused. */
  readonly refusedTopics = new Set<string>();
  /** What groups have committed. */
  readonly groups = new Map<string, pb.FetchedOffset[]>();
  /** Brokers stay fenced. */
  keepFenced = false;
  /** Nothing is answered. */
  deaf = false;
  #index = 1;
  #records: pb.MetadataRecord[] = [
    {
      record: {
        case: "cluster",
        value: {
          clusterId: "cluster-of-the-test",
          voters: [{ nodeId: 1, directoryId: new Uint8Array(16), host: "localhost", port: 9095 }],
        },
      },
    },
  ];
  #broker: pb.BrokerRecord | null = null;
  #nextTopic = 1;
  #nextProducerId = 1000;
  #answered = new Map<number, pb.CommandReply>();
  readonly #metadata = new Set<Session>();

  readonly dial = async (service: string, attributes: Attributes): Promise<Session> => {
    const [dialling, accepting] = createSessionPair(
      service,
      attributes,
      { "ottla-protocol": "1", "ottla-node-id": "1" },
      { dialling: "broker", accepting: "controller" },
    );
    if (service === services.session) void this.#serve(accepting);
    else void this.#follow(accepting);
    return dialling;
  };

  get commands(): pb.Command[] {
    return this.requests.flatMap(({ commands }) => commands);
  }

  get registrations(): pb.RegisterCommand[] {
    return this.commands.flatMap(({ command }) => (command.case === "register" ? [command.value] : []));
  }

  get brokerEpoch(): number {
    return this.#broker?.brokerEpoch ?? -1;
  }

  /** Commits cluster records and brings them to the broker. */
  commit(...records: pb.MetadataRecord["record"][]): number {
    const index = ++this.#index;
    const wrapped = records.map((record) => ({ record }));
    this.#records.push(...wrapped);
    for (const session of this.#metadata) void session.send([this.#delta(wrapped, false)]).catch(() => {});
    return index;
  }

  createTopic(name: string, partitions: number, configs: Readonly<Record<string, string>> = {}): Uuid {
    const topicId = (this.#nextTopic++).toString(16).padStart(32, "0") as Uuid;
    const idBytes = uuidToBytes(topicId);
    this.commit(
      { case: "topic", value: { topicId: idBytes, name } },
      ...Array.from({ length: partitions }, (_, partition): pb.MetadataRecord["record"] => ({
        case: "partition",
        value: this.partition(topicId, partition),
      })),
      ...Object.entries(configs).map(([key, value]): pb.MetadataRecord["record"] => ({
        case: "config",
        value: { resourceType: 2, resource: topicId, name: key, value },
      })),
    );
    return topicId;
  }

  partition(topicId: Uuid, partition: number, changes: Partial<pb.PartitionRecord> = {}): pb.PartitionRecord {
    return {
      topicId: uuidToBytes(topicId),
      partition,
      replicas: [1],
      isr: [1],
      elr: [],
      leader: 1,
      leaderEpoch: this.#broker?.brokerEpoch ?? 0,
      partitionEpoch: 0,
      leaderBrokerEpoch: this.brokerEpoch,
      adding: [],
      removing: [],
      lastEligible: [],
      addingRate: 0,
      reports: [],
      ...changes,
    };
  }

  deleteTopic(topicId: Uuid): void {
    const idBytes = uuidToBytes(topicId);
    const directoryId = this.#broker?.directoryId ?? new Uint8Array(16);
    this.commit(
      { case: "removeTopic", value: { topicId: idBytes } },
      { case: "deletedTopic", value: { topicId: idBytes, homes: [{ nodeId: 1, directoryId }] } },
    );
  }

  setFenced(fenced: boolean): void {
    if (this.#broker === null) throw new Error("No broker is registered");
    this.keepFenced = fenced;
    this.#broker = { ...this.#broker, fenced };
    this.commit({ case: "broker", value: this.#broker });
  }

  /** As when the network fails. */
  breakSessions(): void {
    for (const session of [...this.sessions, ...this.#metadata]) session.close();
  }

  async #serve(session: Session): Promise<void> {
    this.sessions.push(session);
    for await (const frame of session.frames) {
      const request = pb.SessionRequest.decode(frame);
      this.requests.push(request);
      if (this.deaf) continue;
      const broker = this.#broker;
      if (broker?.fenced === true && !this.keepFenced && request.appliedIndex >= broker.brokerEpoch) {
        this.#broker = { ...broker, fenced: false };
        this.commit({ case: "broker", value: this.#broker }, ...this.#elections());
      }
      const replies = request.commands.flatMap((command) => this.#reply(command));
      if (replies.length > 0 || request.commands.length === 0)
        await session.send([pb.SessionReply.encode({ replies, committedIndex: this.#index, leader: undefined })]).catch(() => {});
    }
  }

  #reply(command: pb.Command): pb.CommandReply[] {
    if (this.ignored.has(command.command.case ?? "")) return [];
    const known = this.#answered.get(command.sequence);
    if (known !== undefined && command.command.case !== "register") return [known];
    const reply: pb.CommandReply = {
      sequence: command.sequence,
      errorCode: 0,
      errorMessage: "",
      index: 0,
      reply: this.#decide(command.command),
    };
    reply.index = this.#index;
    this.#answered.set(command.sequence, reply);
    return [reply];
  }

  #decide(command: pb.Command["command"]): pb.CommandReply["reply"] {
    switch (command.case) {
      case "register": {
        this.#answered = new Map();
        const { incarnation: _, cleanShutdownEpoch: _clean, damaged: _damaged, formerIncarnations: _former, ...broker } = command.value;
        this.#broker = {
          ...broker,
          incarnation: command.value.incarnation.slice(),
          directoryId: command.value.directoryId.slice(),
          brokerEpoch: this.#index + 1,
          fenced: true,
          shuttingDown: false,
          draining: false,
          drainingRate: 0,
        };
        return { case: "register", value: { brokerEpoch: this.commit({ case: "broker", value: this.#broker }) } };
      }
      case "createTopics":
        return {
          case: "createTopics",
          value: {
            topics: command.value.topics.map(({ name, partitions }) => {
              if (this.refusedTopics.has(name))
                return {
                  name,
                  topicId: new Uint8Array(0),
                  errorCode: 44,
                  errorMessage: "refused by policy",
                  partitions: 0,
                  replicationFactor: 0,
                };
              return {
                name,
                topicId: uuidToBytes(this.createTopic(name, Math.max(1, partitions))),
                errorCode: 0,
                errorMessage: "",
                partitions: Math.max(1, partitions),
                replicationFactor: 1,
              };
            }),
          },
        };
      case "allocateProducerIds": {
        const firstId = this.#nextProducerId;
        this.#nextProducerId += command.value.count;
        return { case: "allocateProducerIds", value: { firstId, count: command.value.count } };
      }
      case "confirmDeletion":
        this.confirmedDeletions.push(...command.value.topicIds.map((id) => id.slice()));
        this.commit(
          ...command.value.topicIds.map((topicId): pb.MetadataRecord["record"] => ({
            case: "forgetDeletedTopic",
            value: { topicId: topicId.slice() },
          })),
        );
        return { case: "confirmDeletion", value: {} };
      case "listGroups":
        return {
          case: "listGroups",
          value: { groups: [...this.groups].map(([group, { length }]) => ({ group, partitions: length, lastCommitMs: 0 })) },
        };
      case "fetchOffsets":
        return { case: "fetchOffsets", value: { offsets: this.groups.get(command.value.group) ?? [] } };
      case "drainBroker":
        return { case: "drainBroker", value: { replicasLeft: 3, stuck: [] } };
      case "describeQuorum":
        return {
          case: "describeQuorum",
          value: { leaderId: 1, term: 1, commitIndex: this.#index, firstIndex: 1, members: [] },
        };
      case "shutdown":
        return { case: "shutdown", value: {} };
      default:
        throw new Error(`The test's controller does not know ${command.case}`);
    }
  }

  /** Partitions of a former life of the broker get this one as their leader. */
  #elections(): pb.MetadataRecord["record"][] {
    const latest = new Map<string, pb.PartitionRecord>();
    for (const { record } of this.#records)
      if (record.case === "partition")
        latest.set(`${Buffer.from(record.value.topicId).toString("hex")}-${record.value.partition}`, record.value);
    const gone = new Set(
      this.#records.flatMap(({ record }) => (record.case === "removeTopic" ? [Buffer.from(record.value.topicId).toString("hex")] : [])),
    );
    return [...latest.values()]
      .filter(({ topicId }) => !gone.has(Buffer.from(topicId).toString("hex")))
      .map((value) => ({
        case: "partition",
        value: { ...value, leaderEpoch: value.leaderEpoch + 1, leaderBrokerEpoch: this.brokerEpoch },
      }));
  }

  async #follow(session: Session): Promise<void> {
    let begun = false;
    for await (const _ of session.frames) {
      if (begun) continue;
      begun = true;
      await session.send([this.#delta(this.#records, true)]);
      this.#metadata.add(session);
    }
    this.#metadata.delete(session);
  }

  #delta(records: pb.MetadataRecord[], snapshot: boolean): Uint8Array {
    return pb.MetadataDelta.encode({ snapshot, complete: true, part: 0, index: this.#index, term: 1, controllerId: 1, records });
  }
}
