import http2 from "node:http2";
import { encodeBatchSync, services } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Rig } from "./rig.ts";
import { fetchFrame, produceFrame } from "./wire.ts";

const batchBytes = 1_000_000;
const storedBytes = 64 * batchBytes;
const queuedMaxBytes = 32 << 20;

test(
  "a client that takes no answers is cut off, the node's memory stays within its bounds, and others are served at once",
  { timeout: 90_000 },
  async () => {
    await using rig = await Rig.start({ "queued.max.request.bytes": String(queuedMaxBytes), "log.cache.bytes": "0" });
    const client = rig.client();
    const topicId = await client.createTopic("orders");
    await using produce = await client.produce();
    const records = encodeBatchSync([{ key: null, value: new Uint8Array(batchBytes - 100), timestamp: Date.now() }], {});
    for (let bytes = 0; bytes < storedBytes; bytes += batchBytes) {
      const { partitions } = await produce.ask(produceFrame(produce, [{ topicId, records }]));
      expect(partitions[0]).toMatchObject({ errorCode: 0 });
    }
    const before = await rig.residentBytes();
    // Asks for the topic again and again, and reads nothing.
    const session = http2.connect(`http://${rig.address}`);
    session.on("error", () => {});
    const stalled = session.request({
      ":method": "POST",
      ":path": `/${services.fetch}`,
      "content-type": "application/grpc",
      te: "trailers",
      "ottla-protocol": "1-1",
    });
    stalled.on("error", () => {});
    stalled.pause();
    for (let at = 1; at <= 100; at++)
      stalled.write(message(fetchFrame({ nextCorrelationId: at }, [{ topicId, offset: 0 }], { maxBytes: 16 << 20 })));
    let ended = false;
    const watch = (): boolean => ended || stalled.closed || session.closed || session.destroyed;
    stalled.once("close", () => (ended = true));
    let most = 0;
    let slowestMs = 0;
    await using fetch = await rig.client().fetch();
    const watchedFromMs = performance.now();
    while (!watch() && performance.now() - watchedFromMs < 60_000) {
      const askedMs = performance.now();
      const { partitions } = await fetch.ask(fetchFrame(fetch, [{ topicId, offset: 5, maxBytes: 1 }], { maxBytes: 1 << 20 }));
      expect(partitions[0]?.records.length).toBe(records.length);
      slowestMs = Math.max(slowestMs, performance.now() - askedMs);
      most = Math.max(most, (await rig.residentBytes()) - before);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    console.log(
      `a stalled client: ${Math.round(most / 2 ** 20)} MiB more, another client's slowest fetch ${Math.round(slowestMs)} ms, cut off after ${Math.round((performance.now() - watchedFromMs) / 1000)} s`,
    );
    expect(watch()).toBe(true);
    await expect.poll(() => rig.node.errors).toContain("A client takes no answers and is cut off");
    session.destroy();
    expect(most).toBeLessThan(4 * queuedMaxBytes);
    expect(slowestMs).toBeLessThan(5000);
  },
);

/** With the prefix that gRPC gives each. */
function message(frame: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(frame.length, 1);
  return Buffer.concat([prefix, frame]);
}
