import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { command, NodeProcess } from "../../scripts/support/node-process.ts";
import { ottla, temporaryDirectory } from "./ottla.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let node: NodeProcess;

beforeAll(async () => {
  directory = await temporaryDirectory();
  node = await NodeProcess.start({ dataDir: directory.path, settings: { "grpc.listeners": "127.0.0.1:0" } });
});

afterAll(async () => {
  await node.stop();
  await directory[Symbol.asyncDispose]();
});

/** `ottla debug wire` on a free port; ends with an interruption. */
class Proxy implements AsyncDisposable {
  readonly address: string;
  readonly lines: string[];
  readonly #child: ReturnType<typeof spawn>;
  #waiting = (): void => {};

  private constructor(child: ReturnType<typeof spawn>, address: string) {
    this.#child = child;
    this.address = address;
    this.lines = [];
    if (!child.stdout) throw new Error("No standard output");
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.lines.push(line);
      this.#waiting();
    });
  }

  static async start(...args: string[]): Promise<Proxy> {
    const child = spawn(process.execPath, [command, "debug", "wire", "--listen", "127.0.0.1:0", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [line]: string[] = await once(createInterface({ input: child.stderr }), "line");
    const address = /^Listening on (\S+),/.exec(line ?? "")?.[1];
    if (address === undefined) throw new Error(line);
    return new Proxy(child, address);
  }

  async until(text: RegExp): Promise<void> {
    while (!this.lines.some((line) => text.test(line))) await new Promise<void>((resolve) => (this.#waiting = resolve));
  }

  async end(): Promise<number | null> {
    this.#child.kill("SIGINT");
    const [code]: (number | null)[] = await once(this.#child, "exit");
    return code ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) await this.end();
  }
}

test("shows what kafkajs asks for and gets, and keeps it on the proxy", async () => {
  await using proxy = await Proxy.start("--to", node.kafkaBootstrap.join(","), "--follow", "--full");
  const kafka = new Kafka({ brokers: [proxy.address], clientId: "watched", logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "seen", numPartitions: 1 }] });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: "seen", acks: -1, messages: [{ key: "k", value: "through the proxy" }] });
  await producer.send({ topic: "seen", acks: 0, messages: [{ value: "without an answer" }] });
  expect(await admin.fetchTopicOffsets("seen")).toMatchObject([{ partition: 0, low: "0" }]);
  await Promise.all([producer.disconnect(), admin.disconnect()]);

  const seen = proxy.lines.join("\n");
  expect(seen).toMatch(/#1 opened by 127\.0\.0\.1:\d+, to 127\.0\.0\.1:\d+/);
  expect(seen).toMatch(/#1 ->  ApiVersions v2  id \d+  client "watched"  \d+ bytes/);
  expect(seen).toMatch(/<-  CreateTopics v\d+  id \d+  \d+ bytes  [\d.]+ ms\n {2}\{.*"name":"seen"/);
  expect(seen).toMatch(/->  Produce v7 .*\n {2}\{.*"acks":-1,.*"records":"<\d+ bytes>"/);
  // The brokers that kafkajs hears of are ports of the proxy: no request of the producer went past it.
  expect(seen.match(/->  Produce/g)).toHaveLength(2);
  expect(seen.match(/<-  Produce/g)).toHaveLength(1);
  expect(seen).not.toMatch(/UNREADABLE/);
  expect(await proxy.end()).toBe(0);
});

test("what is not Kafka's is passed on unread, and said", async () => {
  await using proxy = await Proxy.start("--to", node.kafkaBootstrap.join(","));
  const [host, port] = proxy.address.split(":");
  const socket = connect(Number(port), host);
  socket.end("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  socket.resume();
  await proxy.until(/#1 what the client sends is not Kafka's: passed on unread/);
  await proxy.until(/#1 closed by the (client|server)/);
});

test("says which port is taken, which server does not answer, and what an address looks like", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const to = node.kafkaBootstrap.join(",");
  expect(await ottla(["debug", "wire", "--listen", taken, "--to", to])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`Cannot listen on ${taken}: listen EADDRINUSE`),
  });
  server.close();
  expect(await ottla(["debug", "wire", "--to", "127.0.0.1:1"])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Cannot reach a server to pass on to \(127\.0\.0\.1:1: connect ECONNREFUSED.*--to/),
  });
  expect(await ottla(["debug", "wire", "--to", "nowhere"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("it takes host:port"),
  });
  expect(await ottla(["debug", "wire"])).toMatchObject({ code: 2, stderr: expect.stringContaining("--to") });
});
