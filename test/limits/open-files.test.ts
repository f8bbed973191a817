import { execFile } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import net from "node:net";
import { promisify } from "node:util";
import { encodeBatchSync, errorName } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Rig } from "../door/rig.ts";
import { fetchFrame, produceFrame } from "../door/wire.ts";

const run = promisify(execFile);
const partitions = 300;
const possible = await run("prlimit", ["--version"])
  .then(() => readdir("/proc/self/fd"))
  .then(
    () => true,
    () => false,
  );

const record = (value: string): Uint8Array => encodeBatchSync([{ key: null, value: Buffer.from(value), timestamp: Date.now() }], {});

/** Leaves the node so many files and sockets beyond those it has open. */
async function allow(pid: number, more: number): Promise<void> {
  const open = (await readdir(`/proc/${pid}/fd`)).length;
  await run("prlimit", ["--pid", String(pid), `--nofile=${open + more}:`]);
}

test.skipIf(!possible)(
  `without file descriptors a node answers errors, keeps what it has acknowledged, and goes on when there are some again${possible ? "" : " (skipped: no prlimit or /proc here)"}`,
  { timeout: 60_000 },
  async () => {
    await using rig = await Rig.start({ "log.open.files.max": "1000" });
    const client = rig.client();
    const topicId = await client.createTopic("orders", partitions);
    await using produce = await client.produce();
    await using fetch = await client.fetch();
    const acknowledged = new Map<number, number>();
    const produceTo = async (partition: number, value: string): Promise<string> => {
      const { partitions: answers } = await produce.ask(produceFrame(produce, [{ topicId, partition, records: record(value) }]));
      const [answer] = answers;
      if (answer === undefined) throw new Error("No answer");
      if (answer.errorCode === 0) acknowledged.set(partition, (acknowledged.get(partition) ?? 0) + 1);
      return errorName(answer.errorCode);
    };
    for (let partition = 0; partition < 20; partition++) expect(await produceTo(partition, "before")).toBe("NONE");

    await allow(rig.node.pid, 30);
    const outcomes: string[] = [];
    for (let partition = 0; partition < partitions; partition++) outcomes.push(await produceTo(partition, "while"));
    expect([...new Set(outcomes)].filter((error) => error !== "NONE" && error !== "KAFKA_STORAGE_ERROR")).toEqual([]);
    const strangers = await Promise.all(
      Array.from({ length: 60 }, async () => {
        const socket = net.connect(rig.port, "127.0.0.1");
        socket.on("error", () => {});
        await Promise.race([once(socket, "connect"), once(socket, "close")]);
        return socket;
      }),
    );
    expect(await produceTo(0, "while strangers knock")).toBe("NONE");
    for (const socket of strangers) socket.destroy();

    await run("prlimit", ["--pid", String(rig.node.pid), "--nofile=10000:"]);
    await expect.poll(() => produceTo(partitions - 1, "after"), { timeout: 15_000, interval: 200 }).toBe("NONE");
    for (let partition = 0; partition < partitions; partition++)
      await expect.poll(() => produceTo(partition, "after"), { timeout: 15_000, interval: 200 }).toBe("NONE");
    for (const [partition, count] of acknowledged) {
      const { partitions: found } = await fetch.ask(fetchFrame(fetch, [{ topicId, partition, offset: 0 }]));
      expect(found[0], `partition ${partition}`).toMatchObject({ errorCode: 0 });
      expect(found[0]?.highWatermark, `records of partition ${partition}`).toBeGreaterThanOrEqual(count);
    }
    console.log(
      `30 descriptors more than at rest: ${outcomes.filter((error) => error !== "NONE").length} of ${partitions} partitions refused writes`,
    );
  },
);
