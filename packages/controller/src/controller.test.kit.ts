import { createSessionPair, silentLogger, type MemoryHost, type Session } from "@ottla/host";
import { ClusterImage } from "@ottla/metadata";
import { pb, services, testConfig, type NodeConfig } from "@ottla/protocol";
import { Controller } from "./controller.ts";
import type { ControllerOptions } from "./controller-options.ts";
import { registration } from "./state/decisions.test.kit.ts";

export const DIRECTORY = "/data/controller";

export interface TestControllerOptions {
  readonly config?: Partial<NodeConfig>;
  readonly clusterId?: string;
  readonly logger?: ControllerOptions["logger"];
}

/** A controller of one voter on this machine, whose end is kept instead of ending the process. */
export async function startController(
  host: MemoryHost,
  o: TestControllerOptions = {},
): Promise<{ controller: Controller; fatal: Error[] }> {
  const fatal: Error[] = [];
  const controller = await host.clock.run(
    Controller.start({
      host,
      config: testConfig(o.config),
      nodeId: 1,
      directory: DIRECTORY,
      version: "0",
      logger: o.logger ?? silentLogger,
      onFatal: (error) => fatal.push(error),
      nodeAddress: () => ({ host: "localhost", port: 9095 }),
      dial: () => Promise.reject(new Error("there is no other controller")),
      ...(o.clusterId === undefined ? {} : { clusterId: o.clusterId }),
    }),
  );
  return { controller, fatal };
}

/** What a broker does towards a controller of the same process: registers, follows the cluster, sends heartbeats. */
export class TestBroker {
  readonly image = new ClusterImage();
  readonly nodeId: number;
  /** Everything the controller said on the session. */
  readonly replies: pb.SessionReply[] = [];
  readonly changes: number[] = [];
  brokerEpoch = 0;
  /** What it says of its disk. */
  lowSpace: pb.LowSpace | undefined = undefined;
  /** Stops acknowledging what it applied. */
  silent = false;
  readonly #host: MemoryHost;
  readonly #session: Session;
  readonly #metadata: Session;
  readonly #waiting = new Map<number, (reply: pb.CommandReply) => void>();
  #sequence = 0;
  #closed = false;

  constructor(host: MemoryHost, controller: Controller, nodeId = 1) {
    this.#host = host;
    this.nodeId = nodeId;
    const attributes = { "ottla-node-id": String(nodeId), "ottla-expected-node-id": "1" };
    const dial = (service: string): Session => {
      const [dialling, accepting] = createSessionPair(service, attributes, {}, { dialling: `broker ${nodeId}`, accepting: "controller 1" });
      controller.accept(accepting);
      return dialling;
    };
    this.#session = dial(services.session);
    this.#metadata = dial(services.metadata);
    void this.#readReplies();
    void this.#follow();
    this.#heartbeat();
  }

  get session(): Session {
    return this.#session;
  }

  /** Registers and waits until it is live. */
  async join(incarnation: number): Promise<void> {
    const reply = await this.run({ case: "register", value: registration(this.nodeId, incarnation) });
    if (reply.reply.case !== "register") throw new Error(`registration was refused: ${reply.errorMessage}`);
    this.brokerEpoch = reply.reply.value.brokerEpoch;
    await this.#host.clock.runUntil(() => this.image.brokers.get(this.nodeId)?.fenced === false);
  }

  /** Sends a command without waiting. */
  send(
    command: pb.Command["command"],
    o: { sequence?: number; lowestUnanswered?: number; timeoutMs?: number } = {},
  ): Promise<pb.CommandReply> {
    const sequence = o.sequence ?? ++this.#sequence;
    const reply = new Promise<pb.CommandReply>((resolve) => this.#waiting.set(sequence, resolve));
    this.#request([{ sequence, timeoutMs: o.timeoutMs ?? 5000, command }], o.lowestUnanswered ?? 0);
    return reply;
  }

  run(
    command: pb.Command["command"],
    o: { sequence?: number; lowestUnanswered?: number; timeoutMs?: number } = {},
  ): Promise<pb.CommandReply> {
    return this.#host.clock.run(this.send(command, o), 30_000);
  }

  close(): void {
    this.#closed = true;
    this.#session.close();
    this.#metadata.close();
  }

  #request(commands: pb.Command[], lowestUnanswered = 0): void {
    const frame = pb.SessionRequest.encode({
      brokerEpoch: this.brokerEpoch,
      lowestUnanswered,
      appliedIndex: this.silent ? 0 : this.image.index,
      commands,
      lowSpace: this.lowSpace,
    });
    this.#session.send([frame]).catch(() => {});
  }

  #heartbeat(): void {
    if (this.#closed) return;
    if (this.brokerEpoch > 0 && !this.silent) this.#request([]);
    this.#host.clock.after(500, () => this.#heartbeat());
  }

  async #readReplies(): Promise<void> {
    for await (const frame of this.#session.frames) {
      const message = pb.SessionReply.decode(frame);
      this.replies.push(message);
      for (const reply of message.replies) {
        this.#waiting.get(reply.sequence)?.(reply);
        this.#waiting.delete(reply.sequence);
      }
    }
  }

  async #follow(): Promise<void> {
    const acknowledge = (): void => {
      if (!this.silent) this.#metadata.send([pb.MetadataRequest.encode({ appliedIndex: this.image.index })]).catch(() => {});
    };
    acknowledge();
    for await (const frame of this.#metadata.frames) {
      this.image.apply(pb.MetadataDelta.decode(frame));
      this.changes.push(this.image.index);
      acknowledge();
    }
  }
}
