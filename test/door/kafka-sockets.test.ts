import { once } from "node:events";
import net from "node:net";
import { encodeBatchSync, kafka, type Uuid } from "@ottla/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../scripts/support/node-process.ts";
import { Rig } from "./rig.ts";

const idleConnections = 2000;
/** What an idle connection may cost the node, in bytes: 10 000 of them then take 400 MiB at most. */
const connectionMaxBytes = 40 * 1024;

let rig: Rig;
let port: number;

beforeAll(async () => {
  port = await freePort();
  rig = await Rig.start({ listeners: `127.0.0.1:${port}`, "queued.max.request.bytes": String(32 << 20) });
  await ask(await connect(), kafka.apis.metadata, 9, topicAsked);
});

afterAll(() => rig[Symbol.asyncDispose]());

const topicAsked = {
  topics: [{ topicId: "0".repeat(32) as Uuid, name: "orders" }],
  allowAutoTopicCreation: true,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
};
const everything = {
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes: 8 << 20,
  topics: [{ topic: "orders", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 8 << 20 }] }],
  forgottenTopicsData: [],
  rackId: "",
};

async function connect(): Promise<net.Socket> {
  const socket = net.connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

function framed<Written>(api: kafka.Api<unknown, never, Written>, version: number, body: Written): Buffer {
  const frame = Buffer.concat(kafka.encodeRequest(api, version, { correlationId: 1, clientId: "test" }, body));
  const size = Buffer.alloc(4);
  size.writeInt32BE(frame.length);
  return Buffer.concat([size, frame]);
}

async function ask<Written, Read>(
  socket: net.Socket,
  api: kafka.Api<unknown, never, Written, Read>,
  version: number,
  body: Written,
): Promise<Read> {
  socket.write(framed(api, version, body));
  let received = Buffer.alloc(0);
  while (received.length < 4 || received.length < 4 + received.readInt32BE(0)) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    received = Buffer.concat([received, chunk]);
  }
  return kafka.decodeResponse(api, version, received.subarray(4)).body;
}

function batchOf(bytes: number): ReturnType<typeof produceOf> {
  return produceOf(encodeBatchSync([{ key: null, value: Buffer.alloc(bytes, 120), timestamp: Date.now() }]));
}

function produceOf(records: Uint8Array) {
  return { transactionalId: null, acks: -1, timeoutMs: 5000, topicData: [{ name: "orders", partitionData: [{ index: 0, records }] }] };
}

async function serves(): Promise<void> {
  const socket = await connect();
  const { responses } = await ask(socket, kafka.apis.produce, 7, batchOf(10));
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
  socket.destroy();
}

const request = framed(kafka.apis.metadata, 9, topicAsked);

// First, because what others leave behind would be counted with it.
test("2000 idle connections cost little, others are served, and all of it comes back", { timeout: 60_000 }, async () => {
  await serves();
  const before = await rig.residentBytes();
  const sockets: net.Socket[] = [];
  for (let i = 0; i < idleConnections; i += 100) {
    const some = await Promise.all(Array.from({ length: 100 }, connect));
    await Promise.all(some.map((socket) => ask(socket, kafka.apis.apiVersions, 0, { clientSoftwareName: "", clientSoftwareVersion: "" })));
    sockets.push(...some);
  }
  const each = ((await rig.residentBytes()) - before) / idleConnections;
  console.log(`${idleConnections} idle connections of Kafka clients: ${Math.round(each / 1024)} KiB of resident memory each`);
  expect(await connections()).toBeGreaterThanOrEqual(idleConnections);
  await serves();
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => connections(), { timeout: 20_000 }).toBeLessThan(5);
  expect(each).toBeLessThan(connectionMaxBytes);
});

describe("a connection is closed and others are served when it sends", () => {
  test.each<[string, Buffer]>([
    ["garbage", Buffer.alloc(5000, 0xa5)],
    ["zeros", Buffer.alloc(5000)],
    ["a request of HTTP/1", Buffer.from("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["the greeting of HTTP/2", Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
    ["the greeting of TLS", Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), Buffer.alloc(500, 7)])],
    ["a size of 2 GiB", Buffer.from("7fffffff00000000", "hex")],
  ])("%s", { timeout: 20_000 }, async (_, bytes) => {
    const socket = await connect();
    socket.write(bytes);
    socket.resume();
    await once(socket, "close");
    await serves();
  });
});

test("half a request that stays holds up nobody", async () => {
  const socket = await connect();
  socket.write(request.subarray(0, request.length - 1));
  await serves();
  socket.destroy();
});

test("a thousand connections that come and go at any byte leave nothing behind", { timeout: 60_000 }, async () => {
  const whole = framed(kafka.apis.produce, 7, batchOf(200_000));
  const before = await rig.residentBytes();
  for (let i = 0; i < 1000; i += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, j) => {
        const socket = await connect();
        socket.write(whole.subarray(0, ((i + j) * 197) % whole.length), () => (j % 2 === 0 ? socket.destroy() : socket.resetAndDestroy()));
        await once(socket, "close");
      }),
    );
  }
  await serves();
  await expect.poll(() => connections(), { timeout: 20_000 }).toBeLessThan(5);
  expect((await rig.residentBytes()) - before).toBeLessThan(120 << 20);
});

test("clients that ask for much and read nothing cost no more than is set aside for answers", { timeout: 60_000 }, async () => {
  const producer = await connect();
  for (let i = 0; i < 20; i++) await ask(producer, kafka.apis.produce, 7, batchOf(900_000));
  const before = await rig.residentBytes();
  const deaf = await Promise.all(Array.from({ length: 40 }, connect));
  for (const socket of deaf) {
    socket.pause();
    for (let i = 0; i < 10; i++) socket.write(framed(kafka.apis.fetch, 11, everything));
  }
  for (let i = 0; i < 20; i++) await serves();
  // 32 MiB are for answers; what the machine's sockets hold is not the node's.
  expect((await rig.residentBytes()) - before).toBeLessThan(100 << 20);
  for (const socket of deaf) socket.destroy();
  await serves();
});

async function connections(): Promise<number> {
  const response = await fetch(`http://${rig.node.http}/metrics`);
  return Number(/^kafka_server_socketservermetrics_connection_count (\d+)$/m.exec(await response.text())?.[1]);
}
