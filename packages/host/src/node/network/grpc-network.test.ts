import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { expect, test } from "vitest";
import { networkContract } from "../../contract/network-contract.ts";
import type { Session } from "../../network.ts";
import { GrpcNetwork } from "./grpc-network.ts";

networkContract("gRPC over loopback", () => ({ dialling: new GrpcNetwork(), listening: new GrpcNetwork(), host: "127.0.0.1" }));

const options = { attributes: {}, maxFrameBytes: 1 << 20 };

/** A TCP relay that can fall silent without closing anything, as a machine does that is cut off. */
async function relay(port: number): Promise<{ port: number; silence: () => void; close: () => void }> {
  const sockets: net.Socket[] = [];
  let silent = false;
  const server = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.push(from);
      from.on("data", (data) => {
        if (!silent) to.write(data);
      });
      from.on("error", () => {});
      from.on("close", () => {
        if (!silent) to.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  return {
    port: address.port,
    silence() {
      silent = true;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test("a peer that vanishes without a word ends the session on both sides within seconds", async () => {
  const listening = new GrpcNetwork();
  const dialling = new GrpcNetwork();
  const accepted: Session[] = [];
  const service = {
    name: "test.v1.Test/Stream",
    accept(session: Session) {
      accepted.push(session);
      return {};
    },
  };
  const listener = await listening.listen({ host: "127.0.0.1", port: 0 }, [service], { maxFrameBytes: 1 << 20, maxSessions: 10 });
  const between = await relay(listener.address.port);
  const here = await dialling.dial({ host: "127.0.0.1", port: between.port }, service.name, {
    ...options,
    signal: AbortSignal.timeout(5000),
  });
  between.silence();
  expect((await here.closed).kind).toBe("reset");
  expect((await accepted[0]?.closed)?.kind).toBe("reset");
  between.close();
  await dialling.close();
  await listener.close(0);
});

test("a peer that takes nothing of what was sent loses its connection when the session is ended", { timeout: 20_000 }, async () => {
  const network = new GrpcNetwork();
  const service = {
    name: "test.v1.Test/Stream",
    accept(session: Session) {
      void session.send([new Uint8Array(8 << 20)]);
      session.close({ code: "REQUEST_TIMED_OUT", message: "it takes no answers" });
      return {};
    },
  };
  const listener = await network.listen({ host: "127.0.0.1", port: 0 }, [service], { maxFrameBytes: 1 << 20, maxSessions: 10 });
  const client = http2.connect(`http://127.0.0.1:${listener.address.port}`);
  const stream = client.request({ ":method": "POST", ":path": `/${service.name}`, "content-type": "application/grpc", te: "trailers" });
  stream.on("error", () => {});
  stream.pause();
  await once(client, "close");
  await listener.close(0);
  await network.close();
});

test("a server that accepts connections and says nothing times out with the signal", async () => {
  const mute = net.createServer(() => {});
  mute.listen(0, "127.0.0.1");
  await once(mute, "listening");
  const address = mute.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const network = new GrpcNetwork();
  const dialling = network.dial({ host: "127.0.0.1", port: address.port }, "a.b.C/D", { ...options, signal: AbortSignal.timeout(100) });
  await expect(dialling).rejects.toMatchObject({
    reason: { kind: "timeout", message: expect.stringContaining(`127.0.0.1:${address.port}`) },
  });
  await network.close();
  mute.close();
});

test("a name that does not resolve is unreachable", async () => {
  const network = new GrpcNetwork();
  const peer = { host: "no-such-host.invalid", port: 1 };
  await expect(network.dial(peer, "a.b.C/D", { ...options, signal: AbortSignal.timeout(20_000) })).rejects.toMatchObject({
    reason: { kind: "unreachable" },
  });
  await expect(network.probe(peer, AbortSignal.timeout(20_000))).rejects.toMatchObject({ reason: { kind: "unreachable" } });
  await network.close();
});

test("an address of another machine cannot be listened on", async () => {
  const network = new GrpcNetwork();
  const listening = network.listen({ host: "192.0.2.1", port: 0 }, [], { maxFrameBytes: 1, maxSessions: 1 });
  await expect(listening).rejects.toThrow("Cannot listen on 192.0.2.1:0: it is not an address of this machine");
});
