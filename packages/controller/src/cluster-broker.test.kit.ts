import type { Session } from "@ottla/host";
import { pb, services } from "@ottla/protocol";
import type { TestCluster } from "./cluster.test.kit.ts";
import { newTopic, registration } from "./state/decisions.test.kit.ts";

/** A broker of a cluster of controllers: it speaks with whoever leads, and asks again when that changes. */
export class ClusterBroker {
  readonly #cluster: TestCluster;
  #session: Session | null = null;
  #leader = 0;
  #sequence = 0;
  #brokerEpoch = 0;
  #appliedIndex = 0;
  #topicId: Uint8Array = new Uint8Array(0);
  readonly #waiting = new Map<number, (reply: pb.CommandReply) => void>();

  private constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  /** @param life of its process, from 1 */
  static async join(cluster: TestCluster, { life = 1, metadataVersionMax = 1 } = {}): Promise<ClusterBroker> {
    const broker = new ClusterBroker(cluster);
    const value = { ...registration(9, life), metadataVersionMax };
    const { reply, errorMessage } = await broker.run({ case: "register", value });
    if (reply.case !== "register") throw new Error(errorMessage);
    broker.#brokerEpoch = reply.value.brokerEpoch;
    return broker;
  }

  /** Its process ends. */
  async leave(): Promise<void> {
    this.#session?.close();
    await this.#cluster.clock.advance(100);
  }

  async createTopic(name: string): Promise<void> {
    const { reply, errorMessage } = await this.run({
      case: "createTopics",
      value: { topics: [newTopic({ name, replicationFactor: 1 })], validateOnly: false },
    });
    const topic = reply.case === "createTopics" ? reply.value.topics[0] : undefined;
    if (topic === undefined || topic.topicId.length === 0) throw new Error(`${errorMessage} ${topic?.errorMessage}`);
    this.#topicId = topic.topicId.slice();
  }

  async commit(offset: number): Promise<void> {
    const offsets = [{ topicId: this.#topicId, partition: 0, offset, leaderEpoch: -1, metadata: "" }];
    const { errorMessage } = await this.run({ case: "commitOffsets", value: { group: "g", offsets } });
    if (errorMessage !== "") throw new Error(errorMessage);
  }

  async committed(): Promise<number | undefined> {
    const { reply } = await this.run({
      case: "fetchOffsets",
      value: { group: "g", partitions: [{ topicId: this.#topicId, partition: 0 }] },
    });
    return reply.case === "fetchOffsets" ? reply.value.offsets[0]?.offset : undefined;
  }

  /** Asked until somebody answers: each time with the same sequence. */
  run(command: pb.Command["command"]): Promise<pb.CommandReply> {
    return this.#cluster.clock.run(this.#ask(command), 60_000);
  }

  async #ask(command: pb.Command["command"]): Promise<pb.CommandReply> {
    const sequence = ++this.#sequence;
    for (;;) {
      const session = await this.#connect();
      const answered = new Promise<pb.CommandReply>((resolve) => this.#waiting.set(sequence, resolve));
      const request = { brokerEpoch: this.#brokerEpoch, lowestUnanswered: sequence, appliedIndex: this.#appliedIndex, lowSpace: undefined };
      session?.send([pb.SessionRequest.encode({ ...request, commands: [{ sequence, timeoutMs: 5000, command }] })]).catch(() => {});
      const reply = await Promise.race([answered, ...(session === null ? [] : [session.closed]), this.#soon(300)]);
      if (reply !== undefined && "reply" in reply) {
        this.#appliedIndex = Math.max(this.#appliedIndex, reply.index);
        return reply;
      }
    }
  }

  async #connect(): Promise<Session | null> {
    const leader = this.#cluster.leading();
    if (leader === undefined) return null;
    if (this.#session !== null && this.#leader === leader.nodeId) return this.#session;
    const attributes = { "ottla-node-id": "9" };
    const { host } = leader;
    const session = await host.network
      .dial({ host: `node${leader.nodeId}`, port: 9095 }, services.session, {
        attributes,
        maxFrameBytes: 1 << 20,
        signal: new AbortController().signal,
      })
      .catch(() => null);
    if (session === null) return null;
    this.#session = session;
    this.#leader = leader.nodeId;
    void this.#read(session);
    return session;
  }

  async #read(session: Session): Promise<void> {
    for await (const frame of session.frames) {
      for (const reply of pb.SessionReply.decode(frame).replies) {
        this.#waiting.get(reply.sequence)?.(reply);
        this.#waiting.delete(reply.sequence);
      }
    }
    if (this.#session === session) this.#session = null;
  }

  #soon(ms: number): Promise<undefined> {
    return new Promise((resolve) => this.#cluster.clock.after(ms, () => resolve(undefined)));
  }
}
