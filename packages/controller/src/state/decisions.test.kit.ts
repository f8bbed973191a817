import type { Random } from "@ottla/host";
import { metadataVersions, type MetadataVersions } from "@ottla/metadata";
import { testConfig, uuidFromBytes, type NodeConfig, type pb } from "@ottla/protocol";
import { unfence } from "./decide/brokers.ts";
import { decideCommand } from "./decide/command.ts";
import { Draft } from "./draft.ts";
import { found } from "./decide/founding.ts";
import type { Around, Context } from "./decide/context.ts";
import { register } from "./decide/registration.ts";
import { State } from "./state.ts";

/** A source whose ids are 1, 2, 3, …: equal decisions give equal records. */
export function countingRandom(): Random {
  let count = 0;
  const bytes = (length: number): Uint8Array => {
    const result = new Uint8Array(length);
    new DataView(result.buffer).setUint32(length - 4, ++count);
    return result;
  };
  return { below: (bound) => ++count % bound, bytes, uuid: () => bytes(16) };
}

export function idOf(number: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(12, number);
  return bytes;
}

type CommandOf = pb.Command["command"];

/** A state that decides one entry after the other, without a log. */
export class Decisions {
  readonly state = new State();
  readonly random = countingRandom();
  readonly config: NodeConfig;
  index = 0;
  nowMs = 1_000_000;
  #sequence = 0;

  constructor(config: Partial<NodeConfig> = {}) {
    this.config = testConfig(config);
    this.entry((draft) => found(draft, [], this.config, metadataVersions.max));
  }

  /** Every entry, in order. */
  readonly entries: Draft[] = [];

  entry(decide: (draft: Draft) => void): Draft {
    const draft = new Draft(this.state, this.random, ++this.index, this.nowMs, 0);
    decide(draft);
    this.entries.push(draft);
    return draft;
  }

  decide(
    draft: Draft,
    nodeId: number,
    command: CommandOf,
    o: { sequence: number; lowestUnanswered: number; brokerEpoch: number },
  ): pb.CommandReply {
    const { sequence, lowestUnanswered, brokerEpoch } = o;
    return decideCommand(
      this.context(draft, nodeId),
      { brokerEpoch, lowestUnanswered, former: "gone" },
      { sequence, timeoutMs: 1000, command },
    );
  }

  /** Registers the broker and makes it live.
   * @returns its epoch */
  broker(nodeId: number, incarnation: number, rack = ""): number {
    let epoch = 0;
    this.entry((draft) => {
      epoch = register(this.context(draft, nodeId), registration(nodeId, incarnation, rack), "gone").brokerEpoch;
    });
    this.entry((draft) => void unfence(draft, this.around, nodeId, epoch));
    return epoch;
  }

  command(
    nodeId: number,
    command: CommandOf,
    o: { sequence?: number; lowestUnanswered?: number; brokerEpoch?: number } = {},
  ): pb.CommandReply {
    let reply: pb.CommandReply | null = null;
    this.entry((draft) => {
      const sequence = o.sequence ?? ++this.#sequence;
      const brokerEpoch = o.brokerEpoch ?? this.state.brokers.get(nodeId)?.brokerEpoch ?? 0;
      reply = this.decide(draft, nodeId, command, { sequence, brokerEpoch, lowestUnanswered: o.lowestUnanswered ?? sequence });
    });
    if (reply === null) throw new Error("no reply");
    return reply;
  }

  create(...topics: Partial<pb.NewTopic>[]): pb.CreatedTopic[] {
    const { reply } = this.command(1, { case: "createTopics", value: { topics: topics.map(newTopic), validateOnly: false } });
    if (reply.case !== "createTopics") throw new Error("the command was refused");
    return reply.value.topics;
  }

  readonly lastResort = new Set<number>();
  metadataVersions = metadataVersions;
  /** What other controllers support. */
  readonly controllers = new Map<number, MetadataVersions>();
  /** What the quorum says of itself. */
  readonly members: pb.QuorumMember[] = [];
  readonly patience = { mayWait: false, mayRegister: false };
  newVoters: pb.VotersRecord = { voters: [], replacing: [] };

  get around(): Around {
    return { config: this.config, metadataVersions: this.metadataVersions, lastResort: this.lastResort };
  }

  context(draft: Draft, nodeId: number): Context {
    const { index, members } = this;
    const quorum = {
      ...{ nodeId: 1, term: 1, commitIndex: index, firstIndex: 1 },
      members: () => members,
      metadataVersions: () => this.controllers,
      changedVoters: () => this.newVoters,
    };
    return { ...this.around, draft, nodeId, quorum, voterCount: 1, ...this.patience };
  }

  partitions(name: string): readonly pb.PartitionRecord[] {
    return this.state.topics.byName(name)?.partitions ?? [];
  }

  topicId(name: string): Uint8Array {
    const topic = this.state.topics.byName(name);
    if (!topic) throw new Error(`no topic ${name}`);
    return topic.idBytes;
  }

  hasTopic(id: Uint8Array): boolean {
    return this.state.topics.get(uuidFromBytes(id)) !== undefined;
  }
}

export function registration(nodeId: number, incarnation: number, rack = ""): pb.RegisterCommand {
  return {
    nodeId,
    incarnation: idOf(incarnation),
    directoryId: idOf(1000 + nodeId),
    endpoints: [{ listener: "GRPC", host: "localhost", port: 9000 + nodeId }],
    rack,
    version: "0",
    metadataVersionMin: 1,
    metadataVersionMax: 1,
    cleanShutdownEpoch: 0,
    damaged: [],
    formerIncarnations: [],
  };
}

export function newTopic(topic: Partial<pb.NewTopic>): pb.NewTopic {
  return { name: "t", partitions: 1, replicationFactor: -1, assignments: [], configs: [], ...topic };
}
