import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@ottla/host";
import { kafka } from "@ottla/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Node } from "../node.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ottla-kafka-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const settings = (extra: Readonly<Record<string, string>> = {}) => ({
  "data.dir": join(directory, "data"),
  "grpc.listeners": "127.0.0.1:0",
  "http.listeners": "",
  ...extra,
});

async function connect(address = ""): Promise<net.Socket> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const socket = net.connect(Number(port), hostname);
  await once(socket, "connect");
  return socket;
}

function say(socket: net.Socket, frame: Uint8Array): void {
  const size = Buffer.alloc(4);
  size.writeInt32BE(frame.length);
  socket.write(Buffer.concat([size, frame]));
}

function versionsRequest(correlationId: number): Buffer {
  const body = { clientSoftwareName: "test", clientSoftwareVersion: "1" };
  return Buffer.concat(kafka.encodeRequest(kafka.apis.apiVersions, 3, { correlationId, clientId: null }, body));
}

/** Correlation ids of whole answers, until the node closes the connection or there are so many. */
async function answers(socket: net.Socket, count: number): Promise<number[]> {
  const ids: number[] = [];
  let received = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk]);
    for (
      ;
      received.length >= 4 && received.length >= 4 + received.readInt32BE(0);
      received = received.subarray(4 + received.readInt32BE(0))
    )
      ids.push(received.readInt32BE(4));
    if (ids.length >= count) break;
  }
  return ids;
}

test("a node answers Kafka's clients in order and ends their connections in order when it stops", async () => {
  const node = await Node.start({ config: settings(), logger: silentLogger });
  const [asking, idle] = [await connect(node.kafkaBootstrap[0]), await connect(node.kafkaBootstrap[0])];
  const idleEnded = once(idle.resume(), "end");
  for (let id = 0; id < 100; id++) say(asking, versionsRequest(id));
  const answered = answers(asking, Infinity);
  const first = await connect(node.kafkaBootstrap[0]);
  say(first, versionsRequest(7));
  expect(await answers(first, 1)).toEqual([7]);
  await node.close();
  await idleEnded;
  expect(await answered).toEqual(Array.from({ length: 100 }, (_, id) => id));
});

test("what was answered before a request that closes the connection arrives", async () => {
  await using node = await Node.start({ config: settings(), logger: silentLogger });
  const socket = await connect(node.kafkaBootstrap[0]);
  const requests = [versionsRequest(1), versionsRequest(2), Buffer.from("7fff000000000003ffff", "hex"), versionsRequest(4)];
  for (const request of requests) say(socket, request);
  expect(await answers(socket, Infinity)).toEqual([1, 2]);
});

test("a port in use is named with its setting, and the node leaves nothing behind", async () => {
  await using server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  await expect(Node.start({ config: settings({ listeners: address }), logger: silentLogger })).rejects.toThrow(
    `Cannot listen on ${address}: the address is in use; stop the process that holds it or choose another port (EADDRINUSE); set listeners to another address`,
  );
  await using node = await Node.start({ config: settings(), logger: silentLogger });
  expect(node.kafkaBootstrap).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
});
