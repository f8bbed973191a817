import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { encodeBatchSync } from "@ottla/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Rig } from "./rig.ts";
import { fetchFrame, produceFrame } from "./wire.ts";

const idleConnections = 2000;
/** What an idle connection may cost the node, in bytes: 10 000 of them then take 1 GiB at most. */
const connectionMaxBytes = 100 * 1024;

let rig: Rig;
let topicId: Uint8Array;

beforeAll(async () => {
  rig = await Rig.start();
  topicId = await rig.client().createTopic("orders");
});

afterAll(() => rig[Symbol.asyncDispose]());

async function serves(): Promise<void> {
  const client = rig.client();
  await using produce = await client.produce();
  const records = encodeBatchSync([{ key: null, value: Buffer.from("x"), timestamp: Date.now() }], {});
  const { partitions } = await produce.ask(produceFrame(produce, [{ topicId, records }]));
  expect(partitions[0]).toMatchObject({ errorCode: 0 });
  await using fetch = await client.fetch();
  const fetched = await fetch.ask(fetchFrame(fetch, [{ topicId, offset: partitions[0]?.baseOffset ?? -1 }]));
  expect(fetched.partitions[0]?.records.length).toBe(records.length);
}

async function connect(): Promise<net.Socket> {
  const socket = net.connect(rig.port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const settingsFrame = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

describe("a connection is closed and others are served when it sends", () => {
  test.each<[string, Buffer]>([
    ["garbage", Buffer.alloc(5000, 0xa5)],
    ["a request of HTTP/1", Buffer.from("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    [
      "the greeting of TLS",
      Buffer.concat([Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]), Buffer.alloc(500, 7)]),
    ],
    ["a request of Kafka's protocol", Buffer.from([0, 0, 0, 0x13, 0, 0x12, 0, 3, 0, 0, 0, 1, 0, 4, 0x74, 0x65, 0x73, 0x74, 0, 1, 0, 0, 0])],
    ["a frame that says it has 16 MiB", Buffer.concat([preface, settingsFrame, Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])])],
    [
      "headers that nobody can decompress",
      Buffer.concat([preface, settingsFrame, Buffer.from([0, 0, 4, 1, 4, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff])]),
    ],
    ["nothing at all, and stays", Buffer.alloc(0)],
    ["half a greeting, and stays", preface.subarray(0, 10)],
  ])("%s", { timeout: 20_000 }, async (_, bytes) => {
    const socket = await connect();
    socket.write(bytes);
    socket.resume();
    const closed = once(socket, "close");
    await serves();
    await closed;
    await serves();
  });
});

test("a byte at a time gets nobody an open connection for long", { timeout: 20_000 }, async () => {
  const socket = await connect();
  socket.resume();
  const closed = once(socket, "close");
  const drip = setInterval(() => socket.write(preface.subarray(0, 1)), 100);
  await closed;
  clearInterval(drip);
  await serves();
});

test("connections that are broken off at any moment leave nothing behind", { timeout: 60_000 }, async () => {
  for (let round = 0; round < 300; round++) {
    const socket = await connect();
    socket.write(preface.subarray(0, round % (preface.length + 1)));
    if (round % 2 === 0) socket.resetAndDestroy();
    else socket.destroy();
  }
  await serves();
  expect(rig.node.errors).toBe("");
});

test(`${idleConnections} idle connections cost little, others are served, and all of it comes back`, { timeout: 120_000 }, async () => {
  const before = await rig.residentBytes();
  const sessions: http2.ClientHttp2Session[] = [];
  try {
    for (let at = 0; at < idleConnections; at += 100) {
      const opened = Array.from({ length: 100 }, () => http2.connect(`http://${rig.address}`));
      sessions.push(...opened);
      await Promise.all(opened.map((session) => once(session, "remoteSettings")));
    }
    const each = ((await rig.residentBytes()) - before) / idleConnections;
    console.log(`${idleConnections} idle connections: ${Math.round(each / 1024)} KiB of resident memory each`);
    expect(each).toBeLessThan(connectionMaxBytes);
    await serves();
    expect(sessions.filter(({ closed }) => closed).length).toBe(0);
  } finally {
    for (const session of sessions) session.destroy();
  }
  await serves();
  expect(rig.node.errors).toBe("");
});
