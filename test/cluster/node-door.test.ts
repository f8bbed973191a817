import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ottla } from "@ottla/client";
import { nodeHost, silentLogger, type Attributes, type Session } from "@ottla/host";
import { Node } from "@ottla/node";
import { errorName, pb, services, uuidFromBytes, uuidFromText, uuidToBytes } from "@ottla/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { freePort } from "../../scripts/support/node-process.ts";

/** What a frame on the door between nodes may have at most. */
const NODE_FRAME_BYTES = 64 << 20;

let directory: string;
let port: number;
let node: Node;
let ottla: Ottla;
let peer: ReturnType<typeof nodeHost>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ottla-node-door-"));
  port = await freePort();
  const config = {
    "node.id": 1,
    "data.dir": directory,
    "node.listeners": `127.0.0.1:${port}`,
    "grpc.listeners": "127.0.0.1:0",
    listeners: "127.0.0.1:0",
    "http.listeners": "",
  };
  node = await Node.start({ config, logger: silentLogger });
  ottla = new Ottla({ bootstrap: node.bootstrap });
  await ottla.admin().createTopic({ name: "orders", partitions: 1, replicationFactor: 1 });
  await ottla.producer().send("orders", { value: "before", partition: 0 });
  peer = nodeHost();
});

/** Others are served as before, and nothing that they see has changed. */
afterEach(async () => {
  expect(await ottla.producer().send("orders", { value: "after", partition: 0 })).toMatchObject({ offset: 1 });
  expect(await ottla.admin().listTopics()).toEqual(["orders"]);
  expect(node.health).toMatchObject({ live: true, ready: true });
  await ottla.close();
  await peer.network.close();
  await node.close();
  await rm(directory, { recursive: true, force: true });
});

/** As node 2 would. */
function dial(service: string, attributes: Attributes = {}): Promise<Session> {
  return peer.network.dial({ host: "127.0.0.1", port }, service, {
    attributes: { "ottla-protocol": "1-1", "ottla-node-id": "2", ...attributes },
    maxFrameBytes: 2 * NODE_FRAME_BYTES,
    signal: AbortSignal.timeout(10_000),
  });
}

class Dialled {
  readonly #session: Session;
  readonly #frames: AsyncIterator<Uint8Array>;

  constructor(session: Session) {
    this.#session = session;
    this.#frames = session.frames[Symbol.asyncIterator]();
  }

  async command(brokerEpoch: number, sequence: number, command: pb.Command["command"]): Promise<pb.CommandReply> {
    const commands = [{ sequence, timeoutMs: 5000, command }];
    await this.#session.send([
      pb.SessionRequest.encode({ brokerEpoch, lowestUnanswered: 0, appliedIndex: 0, commands, lowSpace: undefined }),
    ]);
    for (;;) {
      const { done, value } = await this.#frames.next();
      if (done === true) throw new Error((await this.#session.closed).message);
      const reply = pb.SessionReply.decode(value).replies.find((each) => each.sequence === sequence);
      if (reply !== undefined) return reply;
    }
  }

  /** The next frame of a follower's stream. */
  async frame(): Promise<{ kind: number; header: Uint8Array }> {
    const { done, value } = await this.#frames.next();
    if (done === true) throw new Error((await this.#session.closed).message);
    const size = new DataView(value.buffer, value.byteOffset).getUint32(1);
    return { kind: value[0] ?? 0, header: value.subarray(5, 5 + size) };
  }

  async close(): Promise<void> {
    this.#session.close();
    await this.#session.closed;
  }
}

const incarnation = (of: number): Uint8Array => new Uint8Array(16).fill(of);

function registration(of: number): pb.Command["command"] {
  const value = pb.RegisterCommand.create({
    nodeId: 2,
    incarnation: incarnation(of),
    directoryId: incarnation(99),
    endpoints: [{ listener: "NODE", host: "127.0.0.1", port: 1 }],
    version: "0",
    metadataVersionMin: 1,
    metadataVersionMax: 100,
  });
  return { case: "register", value };
}

async function register(dialled: Dialled, of: number): Promise<number> {
  const { reply, errorMessage } = await dialled.command(0, 1, registration(of));
  if (reply.case !== "register") throw new Error(errorMessage);
  return reply.value.brokerEpoch;
}

test("a frame above the limit ends the session that it came on, and names both sizes", async () => {
  for (const service of [services.session, services.metadata]) {
    const session = await dial(service);
    session.send([new Uint8Array(NODE_FRAME_BYTES + 1)]).catch(() => {});
    expect(await session.closed).toMatchObject({ code: "RESOURCE_EXHAUSTED", message: expect.stringContaining(String(NODE_FRAME_BYTES)) });
  }
}, 60_000);

test("nodes of the future are refused by name", async () => {
  await expect(dial(services.session, { "ottla-protocol": "2-3" })).rejects.toMatchObject({
    reason: {
      kind: "rejected",
      code: "UNSUPPORTED_PROTOCOL",
      message: expect.stringContaining(
        "speaks the protocol of nodes in versions 1-1, the dialling node in versions 2-3; run releases that have one in common",
      ),
    },
  });
});

test("a command of a former broker epoch is refused, and one that is sent again is not done twice", async () => {
  const first = new Dialled(await dial(services.session));
  const former = await register(first, 1);
  await first.close();
  const second = new Dialled(await dial(services.session));
  const epoch = await register(second, 2);
  expect(epoch).toBeGreaterThan(former);
  const topic = pb.NewTopic.create({ name: "stolen", partitions: 1, replicationFactor: 1 });
  const create: pb.Command["command"] = { case: "createTopics", value: { topics: [topic], validateOnly: false } };
  const stale = await second.command(former, 2, create);
  expect([errorName(stale.errorCode), stale.errorMessage]).toEqual([
    "STALE_BROKER_EPOCH",
    `The command of broker 2 has broker epoch ${former}, it is registered with epoch ${epoch}; register again`,
  ]);
  expect(await ottla.admin().listTopics()).toEqual(["orders"]);
  const ids: pb.Command["command"] = { case: "allocateProducerIds", value: pb.AllocateProducerIdsCommand.create({ count: 10 }) };
  const once = await second.command(epoch, 3, ids);
  expect(once.reply.case).toBe("allocateProducerIds");
  expect((await second.command(epoch, 3, ids)).reply).toEqual(once.reply);
  await second.close();
});

test("a follower of a former incarnation is refused, and one that asks with a former broker epoch is fed nothing", async () => {
  const former = new Dialled(await dial(services.session));
  const formerEpoch = await register(former, 3);
  await former.close();
  const dialled = new Dialled(await dial(services.session));
  expect(await register(dialled, 4)).toBeGreaterThan(formerEpoch);
  const follow = (of: number): Promise<Session> => dial(services.replication, { "ottla-incarnation": uuidFromBytes(incarnation(of)) });
  await expect(follow(9)).rejects.toMatchObject({ reason: { code: "STALE_BROKER_EPOCH" } });
  // The broker hears of the registration a moment after the controller has answered.
  const session = await vi.waitFor(() => follow(4), 10_000);
  const follower = new Dialled(session);
  const [topic] = await ottla.admin().describeTopics(["orders"]);
  const topicId = uuidToBytes(uuidFromText(topic?.id ?? ""));
  const leaderEpoch = topic?.partitions[0]?.leaderEpoch ?? -1;
  const wish = pb.AttachPartition.create({ topicId, leaderEpoch, lastEpoch: -1, brokerEpoch: formerEpoch });
  await session.send([attachFrame(wish)]);
  const { kind, header } = await follower.frame();
  expect(kind).toBe(15);
  expect(pb.ReplicationRefused.decode(header).partitions.map(({ errorCode }) => errorName(errorCode))).toEqual(["FENCED_LEADER_EPOCH"]);
  await session.send([new Uint8Array(NODE_FRAME_BYTES + 1)]).catch(() => {});
  expect(await session.closed).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  await dialled.close();
}, 60_000);

function attachFrame(wish: pb.AttachPartition): Uint8Array {
  const header = pb.ReplicationAttach.encode({ partitions: [wish] });
  const frame = new Uint8Array(5 + header.length);
  frame[0] = 1;
  new DataView(frame.buffer).setUint32(1, header.length);
  frame.set(header, 5);
  return frame;
}
