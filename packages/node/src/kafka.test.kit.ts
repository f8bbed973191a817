import type { MemoryHost } from "@ottla/host";
import { kafka } from "@ottla/protocol";

export const KAFKA_PORT = 9092;

/** One request to a node's door for Kafka's clients, on a connection of its own. */
export async function ask<W, R>(
  host: MemoryHost,
  nodeId: number,
  api: kafka.Api<unknown, never, W, R>,
  version: number,
  body: W,
): Promise<R> {
  const { clock, network } = host;
  const session = await clock.run(network.dialBytes({ host: `node-${nodeId}`, port: KAFKA_PORT }, new AbortController().signal));
  const parts = kafka.encodeRequest(api, version, { correlationId: 1, clientId: "test" }, body);
  const size = Buffer.alloc(4);
  size.writeInt32BE(parts.reduce((sum, { length }) => sum + length, 0));
  await session.send([size, ...parts]);
  const frame = await clock.run(firstFrame(session.frames));
  session.close();
  return kafka.decodeResponse(api, version, frame).body;
}

async function firstFrame(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let received: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    received = Buffer.concat([received, chunk]);
    if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) return received.subarray(4);
  }
  throw new Error("the node closed the connection");
}
