import { connect, createServer, type Socket } from "node:net";
import { kafka } from "@ottla/protocol";
import type { Frames } from "./frames.ts";

/** Passes connections on to Kafka and keeps what goes over them. */
export async function openProxy(port: number, target: number, frames: Frames): Promise<AsyncDisposable> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const broker = connect(target, "127.0.0.1");
    const asked = new Map<number, { api: kafka.Api; version: number }>();
    eachFrame(client, (bytes) => {
      const { apiKey, apiVersion, correlationId } = kafka.decodeRequestHeader(bytes);
      const api = kafka.apiByKey(apiKey);
      if (api === undefined) return;
      asked.set(correlationId, { api, version: apiVersion });
      frames.add(api, apiVersion, "request", bytes);
    });
    eachFrame(broker, (bytes) => {
      const request = asked.get(bytes.readInt32BE(0));
      if (request !== undefined) frames.add(request.api, request.version, "response", bytes);
    });
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function eachFrame(socket: Socket, take: (frame: Buffer) => void): void {
  let received: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
      const end = 4 + received.readInt32BE(0);
      take(Buffer.from(received.subarray(4, end)));
      received = received.subarray(end);
    }
  });
}
