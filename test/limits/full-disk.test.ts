import { mkdtemp, open, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeHost } from "@ottla/host";
import { batches, encodeBatchSync, errorName, pb } from "@ottla/protocol";
import { afterAll, expect, test } from "vitest";
import { NodeProcess } from "../../scripts/support/node-process.ts";
import { callFrame, fetchFrame, produceFrame, type Wire, WireClient } from "../door/wire.ts";
import { Ext4Image } from "../simulation/ext4-image.ts";

const imageBytes = 96 << 20;
const batchBytes = 200_000;
const patience = { timeout: 15_000, interval: 200 };

/** A file system of its own, or why there is none. */
const disk = await Ext4Image.make(await mkdtemp(join(tmpdir(), "ottla-full-disk-")), imageBytes).catch((error: unknown) =>
  error instanceof Error ? error.message : String(error),
);

afterAll(async () => {
  if (typeof disk !== "string") await disk[Symbol.asyncDispose]();
});

const why = typeof disk === "string" ? ` (skipped, this machine gives no ext4 image: ${disk.split("\n")[0]})` : "";

/** What lies on the disk beside the data directory. */
class Filler {
  readonly #path: string;

  constructor(mountPoint: string) {
    this.#path = join(mountPoint, "filler");
  }

  /** Takes space until only so much is left. */
  async leave(freeBytes: number): Promise<void> {
    const file = await open(this.#path, "a");
    try {
      for (;;) {
        const { bavail, bsize } = await statfs(this.#path);
        const size = Math.min(1 << 20, bavail * bsize - freeBytes);
        if (size <= 0) return;
        await file.write(new Uint8Array(size));
        await file.datasync();
      }
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    } finally {
      await file.close();
    }
  }

  remove(): Promise<void> {
    return rm(this.#path, { force: true });
  }
}

interface Outcome {
  readonly error: string;
  readonly message: string;
  readonly notAppended: boolean;
}

/** Produces numbered batches and remembers the acknowledged ones. */
class Load {
  readonly acknowledged = new Map<number, number>();
  readonly #topicId: Uint8Array;
  #wire: Wire<pb.ProduceResponse>;
  #number = 0;

  constructor(topicId: Uint8Array, wire: Wire<pb.ProduceResponse>) {
    this.#topicId = topicId;
    this.#wire = wire;
  }

  async send(): Promise<Outcome> {
    const number = ++this.#number;
    const value = new Uint8Array(batchBytes - 100);
    new DataView(value.buffer).setUint32(0, number);
    const records = encodeBatchSync([{ key: null, value, timestamp: Date.now() }], {});
    const { partitions } = await this.#wire.ask(produceFrame(this.#wire, [{ topicId: this.#topicId, records }]));
    const [answer] = partitions;
    if (answer === undefined) throw new Error("No answer");
    if (answer.errorCode === 0) this.acknowledged.set(answer.baseOffset, number);
    return { error: errorName(answer.errorCode), message: answer.errorMessage, notAppended: answer.notAppended };
  }

  /** Every acknowledged batch is served where it was acknowledged. */
  async verify(client: WireClient): Promise<void> {
    await using wire = await client.fetch();
    for (const [offset, number] of this.acknowledged) {
      const { partitions } = await wire.ask(fetchFrame(wire, [{ topicId: this.#topicId, offset, maxBytes: 1 }]));
      const [found] = batches(partitions[0]?.records ?? new Uint8Array(0));
      if (found === undefined) throw new Error(`Offset ${offset} was acknowledged and answers ${partitions[0]?.errorMessage || "nothing"}`);
      const value = found.bytes.subarray(found.bytes.length - (batchBytes - 100) - 1);
      const stored = new DataView(value.buffer, value.byteOffset).getUint32(0);
      if (stored !== number) throw new Error(`Offset ${offset} was acknowledged for batch ${number} and holds ${stored}`);
    }
  }
}

async function call(client: WireClient, request: pb.CallRequest["call"]): Promise<pb.CallResponse> {
  await using wire = await client.call();
  return await wire.ask(callFrame(wire, request));
}

test.skipIf(typeof disk === "string")(
  `on a full disk reads, commits and deletions go on, writes are refused with path and free bytes, and go on by themselves when space is back${why}`,
  { timeout: 120_000 },
  async () => {
    if (typeof disk === "string") return;
    const dataDir = join(disk.mountPoint, "data");
    const filler = new Filler(disk.mountPoint);
    const settings = { "grpc.listeners": "127.0.0.1:0", "log.segment.bytes": "4194304" };
    const { network } = nodeHost();
    const node = await NodeProcess.start({ dataDir, settings });
    const client = new WireClient(network, node.bootstrap[0] ?? "");
    const topicId = await client.createTopic("orders");
    await client.createTopic("old");
    const load = new Load(topicId, await client.produce());
    for (let at = 0; at < 20; at++) expect(await load.send()).toMatchObject({ error: "NONE" });

    // Below the limit, but not yet full.
    await filler.leave(6 << 20);
    await expect.poll(async () => (await load.send()).error, patience).toBe("KAFKA_STORAGE_ERROR");
    const refused = await load.send();
    expect(refused).toMatchObject({ error: "KAFKA_STORAGE_ERROR", notAppended: true });
    expect(refused.message).toMatch(/orders: \d+ bytes are free at \/.*data\/log, and log\.min\.free\.bytes keeps \d+/);
    expect(refused.message).toContain(dataDir);
    const created = await call(client, {
      case: "createTopics",
      value: { topics: [pb.NewTopic.create({ name: "more", partitions: 1, replicationFactor: -1 })], validateOnly: false },
    });
    expect(created).toMatchObject({ errorCode: 56, errorMessage: expect.stringMatching(/create.*bytes are free at /) });

    // Nothing at all left.
    await filler.leave(0);
    await load.verify(client);
    const committed = await call(client, {
      case: "commitOffsets",
      value: { group: "g", offsets: [{ topicId, partition: 0, offset: 3, leaderEpoch: -1, metadata: "" }] },
    });
    expect(committed).toMatchObject({ errorCode: 0, answer: { value: { offsets: [{ errorCode: 0 }] } } });
    const deleted = await call(client, { case: "deleteTopics", value: { names: ["old"], topicIds: [] } });
    expect(deleted).toMatchObject({ errorCode: 0, answer: { value: { topics: [{ errorCode: 0 }] } } });
    expect((await fetch(`http://${node.http}/healthz`)).status).toBe(200);

    await filler.remove();
    await expect.poll(async () => (await load.send()).error, patience).toBe("NONE");
    for (let at = 0; at < 5; at++) expect(await load.send()).toMatchObject({ error: "NONE" });
    await load.verify(client);

    // So fast that nobody saw it coming: appends meet the full disk itself.
    await filler.leave(0);
    const outcomes: Outcome[] = [];
    for (let at = 0; at < 30; at++) outcomes.push(await load.send());
    expect(new Set(outcomes.map(({ error }) => error))).toContain("KAFKA_STORAGE_ERROR");
    expect(outcomes.filter(({ error }) => error !== "NONE" && error !== "KAFKA_STORAGE_ERROR")).toEqual([]);
    await load.verify(client);
    await filler.remove();
    await expect.poll(async () => (await load.send()).error, patience).toBe("NONE");
    await load.verify(client);

    await network.close();
    await node.kill();
    await using again = await NodeProcess.start({ dataDir, settings });
    const after = nodeHost().network;
    await load.verify(new WireClient(after, again.bootstrap[0] ?? ""));
    await after.close();
  },
);
