import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeHost } from "@ottla/host";
import { decodeBatchSync, encodeBatchSync } from "@ottla/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NodeProcess } from "../../scripts/support/node-process.ts";
import { ottla, type Outcome, temporaryDirectory } from "../command/ottla.ts";
import { callFrame, fetchFrame, produceFrame, WireClient } from "../door/wire.ts";

const settings = { "grpc.listeners": "127.0.0.1:0", "log.segment.bytes": "65536", "controller.log.checkpoint.records": "5" };
const recordCount = 300;
const topics = 12;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dataDir: string;

/** A node that was used and is stopped: 300 records in `orders` in several segments, other topics, a committed offset. */
beforeEach(async () => {
  directory = await temporaryDirectory();
  dataDir = join(directory.path, "data");
  await withNode(async (client) => {
    const topicId = await client.createTopic("orders", 1, { "retention.ms": "-1" });
    for (let at = 0; at < topics; at++) await client.createTopic(`other-${at}`);
    await using wire = await client.produce();
    for (let at = 0; at < recordCount; at++) {
      const records = encodeBatchSync([{ key: null, value: Buffer.from(`record ${at}`.padEnd(1000, ".")), timestamp: Date.now() }], {});
      const { partitions } = await wire.ask(produceFrame(wire, [{ topicId, records }]));
      if (partitions[0]?.baseOffset !== at) throw new Error(`Record ${at} got ${JSON.stringify(partitions[0])}`);
    }
    await using calls = await client.call();
    await calls.ask(
      callFrame(calls, {
        case: "commitOffsets",
        value: { group: "g", offsets: [{ topicId, partition: 0, offset: 7, leaderEpoch: -1, metadata: "" }] },
      }),
    );
  });
});

afterEach(() => directory[Symbol.asyncDispose]());

async function withNode<T>(use: (client: WireClient, node: NodeProcess) => Promise<T>, end: "stopped" | "killed" = "stopped"): Promise<T> {
  const { network } = nodeHost();
  await using node = await NodeProcess.start({ dataDir, settings });
  try {
    return await use(new WireClient(network, node.bootstrap[0] ?? ""), node);
  } finally {
    await network.close();
    await (end === "stopped" ? node.stop() : node.kill());
  }
}

async function files(under: string, name: RegExp): Promise<string[]> {
  const all = await readdir(join(dataDir, under), { recursive: true });
  return all
    .filter((file) => name.test(file))
    .toSorted()
    .map((file) => join(dataDir, under, file));
}

async function segments(): Promise<string[]> {
  const found = await files("log", /\.log$/);
  expect(found.length).toBeGreaterThan(3);
  return found;
}

async function flip(file: string, position: (size: number) => number): Promise<void> {
  const bytes = await readFile(file);
  const at = position(bytes.length);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
  await writeFile(file, bytes);
}

/** By offset: the value, or the error. */
async function served(client: WireClient): Promise<string[]> {
  const { bytes: topicId } = await client.topicId("orders");
  await using wire = await client.fetch();
  const found: string[] = [];
  for (let offset = 0; offset < recordCount; offset++) {
    const { partitions } = await wire.ask(fetchFrame(wire, [{ topicId, offset, maxBytes: 1 }]));
    const [answer] = partitions;
    if (answer === undefined) throw new Error("No answer");
    if (answer.errorCode !== 0) found.push(answer.errorMessage);
    else
      found.push(
        Buffer.from(decodeBatchSync(answer.records)[0]?.value ?? [])
          .toString()
          .replaceAll(".", ""),
      );
  }
  return found;
}

const whole = Array.from({ length: recordCount }, (_, at) => `record ${at}`);

function command(args: string[], node: NodeProcess): Promise<Outcome> {
  return ottla(args, { env: { OTTLA_BOOTSTRAP: node.bootstrap.join(",") } });
}

test.each(["stopped", "killed"] as const)(
  "a damaged segment of a node that was %s is served around, shown, listed, and given up only when told so",
  { timeout: 60_000 },
  async (end) => {
    if (end === "killed") await withNode(async () => {}, "killed");
    const [, segment = ""] = await segments();
    await flip(segment, (size) => Math.floor(size / 2));

    await withNode(async (client, node) => {
      const found = await served(client);
      const damaged = found.flatMap((text, offset) => (text === `record ${offset}` ? [] : [offset]));
      expect(damaged.length).toBe(1);
      expect(found[damaged[0] ?? -1]).toContain(segment);
      expect(found[damaged[0] ?? -1]).toContain("ottla recover --accept-loss");
      expect((await command(["topic", "describe", "orders"], node)).stdout).toContain(`offsets ${damaged[0]} to ${damaged[0]} are damaged`);
      expect((await command(["cluster", "status"], node)).stdout).toMatch(/damaged/i);
      const consumed = await command(["consume", "orders", "--format", "%o\\n"], node);
      expect(consumed).toMatchObject({ code: 1, stderr: expect.stringContaining(segment) });
      expect(consumed.stdout.trim().split("\n").length).toBe(damaged[0]);
    });
    expect(await readdir(join(segment, ".."))).toContainEqual(expect.stringMatching(/\.damaged/));

    const listed = await ottla(["recover", "--data-dir", dataDir, "--json"]);
    const ranges: { from: number; until: number; file: string }[] = JSON.parse(listed.stdout);
    expect(ranges).toMatchObject([{ file: segment }]);
    const [range] = ranges;
    expect((range?.until ?? 0) - (range?.from ?? 0)).toBe(1);
    expect(listed.stderr).toContain("--accept-loss");
    expect(await ottla(["recover", "--data-dir", dataDir, "--accept-loss"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("given up"),
    });

    await withNode(async (_, node) => {
      const { code, stdout } = await command(["consume", "orders", "--format", "%v\\n"], node);
      expect(code).toBe(0);
      expect(stdout.replaceAll(".", "").trim().split("\n")).toEqual(whole.filter((__, offset) => offset !== range?.from));
    });
  },
);

test(
  "recover lists every damage of a node that was stopped in order, also where recovery itself would not look",
  { timeout: 60_000 },
  async () => {
    const [first = "", , third = ""] = await segments();
    await flip(first, (size) => Math.floor(size / 2));
    await flip(third, (size) => Math.floor(size / 2));
    const { code, stdout } = await ottla(["recover", "--data-dir", dataDir, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ file: first }, { file: third }]);
  },
);

test("a segment that is gone costs its own offsets only", { timeout: 60_000 }, async () => {
  const [, segment = "", next = ""] = await segments();
  await rm(segment);
  await withNode(async (client) => {
    const baseOf = (file: string): number => Number(/(\d{20})\.log$/.exec(file)?.[1]);
    const found = await served(client);
    for (const [offset, text] of found.entries()) {
      if (offset >= baseOf(segment) && offset < baseOf(next)) expect(text).toContain(segment);
      else expect(text).toBe(`record ${offset}`);
    }
  });
});

test("damaged, empty, missing and foreign indexes change nothing", { timeout: 60_000 }, async () => {
  const indexes = await files("log", /\.(index|timeindex)$/);
  expect(indexes.length).toBeGreaterThan(3);
  for (const [at, file] of indexes.entries()) {
    if (at % 4 === 0) await flip(file, (size) => Math.floor(size / 2));
    if (at % 4 === 1) await writeFile(file, "");
    if (at % 4 === 2) await rm(file);
    if (at % 4 === 3) await writeFile(file, Buffer.alloc(1000, 0x7b));
  }
  await withNode(async (client) => expect(await served(client)).toEqual(whole));
});

test.each([
  ["one file of LevelDB", (file: string) => flip(file, (size) => Math.floor(size / 2))],
  ["a missing CURRENT", (file: string) => rm(join(file, "../CURRENT"), { force: true })],
])("%s of a checkpoint costs nothing: there are two, and the log", { timeout: 60_000 }, async (_, damage) => {
  const [content = ""] = await files("controller/checkpoint-a", /\.(log|ldb)$/);
  await damage(content);
  await withNode(async (client, node) => {
    expect(await served(client)).toEqual(whole);
    expect((await command(["topic", "list", "--json"], node)).stdout).toContain(`other-${topics - 1}`);
    expect((await command(["offsets", "group", "g"], node)).stdout).toMatch(/orders +0 +7 /);
  });
});

/** What `ottla start` says of the data directory before it ends. */
function startOfDamaged(): ReturnType<typeof ottla> {
  return ottla(["start", "--data-dir", dataDir, "--grpc-listeners", "127.0.0.1:0", "--http-listeners", "127.0.0.1:0"]);
}

test("a damaged controller log stops the node, which names the file and the fix", { timeout: 60_000 }, async () => {
  const raft = await files("controller/raft", /\.log$/);
  const last = raft.at(-1) ?? "";
  await flip(last, (size) => size - 20);
  const { code, stderr } = await startOfDamaged();
  expect(code).toBe(1);
  expect(stderr).toContain(last);
  expect(stderr).toMatch(/restore|copy|backup/i);
});

test("a damaged controller log is given up for what its checkpoints hold, and the node starts", { timeout: 60_000 }, async () => {
  const raft = await files("controller/raft", /\.log$/);
  await flip(raft.at(-1) ?? "", (size) => size - 20);
  const recovered = await ottla(["controller", "recover", "--data-dir", dataDir, "--controller-quorum-voters", "1@127.0.0.1:9095"]);
  expect(recovered).toMatchObject({ code: 0, stdout: expect.stringContaining("Node 1 is the only controller") });
  await withNode(async (client) => expect(await served(client)).toEqual(whole));
});

test("a damaged vote stops the node, which names the file and the fix", { timeout: 60_000 }, async () => {
  const vote = join(dataDir, "controller/vote");
  await writeFile(vote, Buffer.alloc(8192, 0x55));
  const { code, stderr } = await startOfDamaged();
  expect(code).toBe(1);
  expect(stderr).toContain(vote);
  expect(stderr).toContain("Restore the file from a copy");
});
