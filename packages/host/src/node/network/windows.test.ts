import { connect } from "node:http2";
import { expect, it, onTestFinished } from "vitest";
import * as grpc from "@grpc/grpc-js";
import { Gathered } from "./gathered.ts";
import { GrpcListener } from "./grpc-listener.ts";
import { SERVER_WINDOW_BYTES } from "./grpc.ts";

it("lets a client send more than HTTP/2's 64 KiB before it hears from the server", async () => {
  const listener = await GrpcListener.listen(grpc, { host: "127.0.0.1", port: 0 }, [], { maxFrameBytes: 1024, maxSessions: 10 });
  onTestFinished(() => listener.close(0));
  const client = connect(`http://127.0.0.1:${listener.address.port}`);
  onTestFinished(() => client.destroy());
  const window = await new Promise((resolve) => {
    client.on("remoteSettings", ({ initialWindowSize }) => {
      if (initialWindowSize !== 65_535) resolve(initialWindowSize);
    });
  });
  expect(window).toBe(SERVER_WINDOW_BYTES);
});

it("copies the parts of a message one behind the other, and then lets them change", () => {
  let copied = 0;
  const message = new Gathered([Buffer.from("ab"), Buffer.alloc(0), Buffer.from("cde")], () => copied++);
  expect([message.length, message.byteLength, copied]).toEqual([5, 5, 0]);
  const target = Buffer.from("..........");
  expect(message.copy(target, 3)).toBe(5);
  expect([target.toString(), copied]).toEqual(["...abcde..", 1]);
});
