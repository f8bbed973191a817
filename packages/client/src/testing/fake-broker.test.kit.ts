import { NetworkError, type Attributes, type MemoryHost, type Session } from "@ottla/host";
import { pb, ProtocolError, services } from "@ottla/protocol";
import { answerCall } from "./fake-calls.test.kit.ts";
import { codeOf, type FakeState, type Fault } from "./fake-state.test.kit.ts";

/** One node that speaks the client protocol. */
export class FakeBroker {
  readonly nodeId: number;
  readonly host: MemoryHost;
  /** How many produce requests came. */
  requests = 0;
  clusterId = "fake";
  readonly #cluster: FakeState;
  readonly #sessions = new Set<Session>();
  readonly #broken = new Map<Session, Uint8Array[]>();

  private constructor(cluster: FakeState, nodeId: number, host: MemoryHost) {
    this.#cluster = cluster;
    this.nodeId = nodeId;
    this.host = host;
  }

  static async start(cluster: FakeState, nodeId: number, host: MemoryHost): Promise<FakeBroker> {
    const broker = new FakeBroker(cluster, nodeId, host);
    const listening = [services.produce, services.fetch, services.call].map((name) => ({
      name,
      accept: (session: Session): Attributes => broker.#accept(session),
    }));
    await host.network.listen({ host: `broker${nodeId}`, port: 9093 }, listening, { maxFrameBytes: 8 * 1024 * 1024, maxSessions: 100 });
    return broker;
  }

  /** Ends every stream with an error, as when the process dies. */
  breakStreams(): void {
    for (const session of this.#sessions) session.close({ code: "UNAVAILABLE", message: "the broker goes away" });
  }

  #accept(session: Session): Attributes {
    const expected = session.attributes["ottla-node-id"];
    if (expected !== undefined && expected !== String(this.nodeId)) {
      throw new NetworkError({ kind: "rejected", code: "WRONG_NODE", message: `WRONG_NODE: this is node ${this.nodeId}, not ${expected}` });
    }
    this.#sessions.add(session);
    void session.closed.then(() => this.#sessions.delete(session));
    void this.#serve(session);
    return { "ottla-protocol": "1", "ottla-node-id": String(this.nodeId), "ottla-cluster-id": this.clusterId };
  }

  async #serve(session: Session): Promise<void> {
    for await (const frame of session.frames) {
      if (session.service === services.call) void this.#call(session, frame);
      else if (session.service === services.fetch) void this.#fetch(session, frame);
      else this.#receive(session, frame);
    }
  }

  /** A stream that breaks is held back for a moment, so that some of what the client sent behind is there and may be carried out too. */
  #receive(session: Session, frame: Uint8Array): void {
    const broken = this.#broken.get(session);
    if (broken !== undefined) {
      broken.push(frame);
      return;
    }
    const fault = this.#produce(session, frame);
    if (fault?.kind !== "break") return;
    const behind: Uint8Array[] = [];
    this.#broken.set(session, behind);
    this.#cluster.clock.after(fault.lingersMs ?? 0, () => {
      session.close({ code: "UNAVAILABLE", message: "the stream breaks" });
      for (const each of behind.slice(0, fault.stale ?? 0)) this.#appendAll(pb.ProduceRequest.decode(each), undefined);
    });
  }

  #produce(session: Session, frame: Uint8Array): Fault | undefined {
    const request = pb.ProduceRequest.decode(frame);
    const fault = this.#cluster.onProduce(this.nodeId, this.requests++);
    if (fault?.kind === "silent") return fault;
    if (fault?.kind === "break") {
      if (fault.appended) this.#appendAll(request, undefined);
      return fault;
    }
    const response = pb.ProduceResponse.encode({ correlationId: request.correlationId, partitions: this.#appendAll(request, fault) });
    const answer = (): void => void (request.acks !== 0 && session.send([response]).catch(() => {}));
    if (fault?.kind === "slow") this.#cluster.clock.after(fault.ms, answer);
    else answer();
    return fault;
  }

  #appendAll(request: pb.ProduceRequest, fault: Fault | undefined): pb.ProducedPartition[] {
    return request.partitions.map(({ topicId, partition: index, records }) => {
      const partition = this.#cluster.byId(topicId)?.partitions[index];
      const answer = pb.ProducedPartition.create({ topicId, partition: index, baseOffset: -1, logAppendTimeMs: -1 });
      try {
        if (partition === undefined) throw new ProtocolError("UNKNOWN_TOPIC_ID", "no such topic", { notAppended: true });
        if (partition.leader !== this.nodeId)
          throw new ProtocolError("NOT_LEADER_OR_FOLLOWER", `broker ${partition.leader} leads it`, { notAppended: true });
        if (fault?.kind === "error" && fault.appended !== true) throw new ProtocolError(fault.error, "as scripted", { notAppended: true });
        answer.baseOffset = partition.append(records);
        if (fault?.kind === "error") throw new ProtocolError(fault.error, "as scripted, after the append");
        return answer;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return {
          ...answer,
          baseOffset: -1,
          errorCode: error.code,
          errorMessage: error.message,
          notAppended: error.notAppended,
          leader: this.#cluster.hint(this.nodeId, partition),
        };
      }
    });
  }

  async #fetch(session: Session, frame: Uint8Array): Promise<void> {
    const request = pb.FetchRequest.decode(frame);
    const { clock } = this.#cluster;
    const untilMs = clock.monotonicMs() + request.maxWaitMs;
    for (;;) {
      const partitions = this.#readAll(request);
      const full = partitions.some(({ errorCode, records }) => errorCode !== 0 || records.length > 0);
      if (full || clock.monotonicMs() >= untilMs) {
        await session
          .send([pb.FetchResponse.encode({ correlationId: request.correlationId, partitions, errorCode: 0, errorMessage: "" })])
          .catch(() => {});
        return;
      }
      await new Promise<void>((resolve) => clock.after(10, resolve));
    }
  }

  #readAll(request: pb.FetchRequest): pb.FetchedPartition[] {
    let left = request.maxBytes;
    return request.partitions.map(({ topicId, partition: index, fetchOffset, maxBytes }) => {
      const topic = this.#cluster.byId(topicId);
      const partition = topic?.partitions[index];
      const answer = pb.FetchedPartition.create({ topicId, partition: index, highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 });
      try {
        if (topic === undefined || partition === undefined) throw new ProtocolError("UNKNOWN_TOPIC_ID", "no such topic");
        if (partition.leader !== this.nodeId) throw new ProtocolError("NOT_LEADER_OR_FOLLOWER", `broker ${partition.leader} leads it`);
        const scripted = this.#cluster.onFetch(topic.name, index);
        if (scripted !== undefined) throw new ProtocolError(scripted, "as scripted");
        const records = left <= 0 ? new Uint8Array(0) : partition.read(fetchOffset, Math.min(left, maxBytes));
        left -= records.length;
        return {
          ...answer,
          highWatermark: partition.endOffset,
          lastStableOffset: partition.endOffset,
          logStartOffset: partition.startOffset,
          leaderEpoch: partition.leaderEpoch,
          records,
        };
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return { ...answer, errorCode: error.code, errorMessage: error.message, leader: this.#cluster.hint(this.nodeId, partition) };
      }
    });
  }

  async #call(session: Session, frame: Uint8Array): Promise<void> {
    const request = pb.CallRequest.decode(frame);
    const name = request.call.case ?? "nothing";
    this.#cluster.calls.push(name);
    const scripted = this.#cluster.onCall(name, this.nodeId);
    if (scripted === "silent") return;
    const response: pb.CallResponse = { correlationId: request.correlationId, errorCode: 0, errorMessage: "", answer: { case: undefined } };
    if (scripted === undefined) response.answer = answerCall(this.#cluster, this.nodeId, request.call);
    else Object.assign(response, { errorCode: codeOf(scripted), errorMessage: "as scripted" });
    await session.send([pb.CallResponse.encode(response)]).catch(() => {});
  }
}
