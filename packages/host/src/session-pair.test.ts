import { expect, test } from "vitest";
import { NetworkError, type Session } from "./network.ts";
import { createSessionPair } from "./session-pair.ts";

const MIB = 1 << 20;
const pair = (): [Session, Session] =>
  createSessionPair(
    "test.v1.Test/Stream",
    { "ottla-node-id": "1" },
    { "ottla-term": "7" },
    { dialling: "broker 1", accepting: "controller 1" },
  );

test("each side reads what the other said of itself, and knows its name", () => {
  const [dialling, accepting] = pair();
  expect(accepting).toMatchObject({ attributes: { "ottla-node-id": "1" }, peer: "broker 1", service: "test.v1.Test/Stream" });
  expect(dialling).toMatchObject({ attributes: { "ottla-term": "7" }, peer: "controller 1" });
});

test("frames arrive joined, copied and in order, and the rest after the close", async () => {
  const [dialling, accepting] = pair();
  const part = new Uint8Array([1]);
  await dialling.send([part, new Uint8Array([2, 3])]);
  part[0] = 9;
  await dialling.send([part]);
  dialling.close();
  const frames: number[][] = [];
  for await (const frame of accepting.frames) frames.push([...frame]);
  expect(frames).toEqual([[1, 2, 3], [9]]);
  expect((await accepting.closed).kind).toBe("finished");
  expect((await dialling.closed).kind).toBe("closed-here");
});

test("send waits beyond a window of 1 MiB and goes on when the reader takes frames out", async () => {
  const [dialling, accepting] = pair();
  let sent = 0;
  const sending = (async () => {
    for (; sent < 10; sent += 1) await dialling.send([new Uint8Array(MIB / 2)]);
  })();
  const frames = accepting.frames[Symbol.asyncIterator]();
  await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toBe(2);
  await frames.next();
  await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toBe(3);
  for (let taken = 1; taken < 10; taken += 1) await frames.next();
  await sending;
});

test("an end rejects the sends that wait, and later ones, with its reason", async () => {
  const [dialling, accepting] = pair();
  await dialling.send([new Uint8Array(MIB)]);
  const waiting = dialling.send([new Uint8Array(1)]);
  accepting.close({ code: "FENCED", message: "a newer incarnation has registered" });
  const reason = { kind: "rejected", code: "FENCED", message: "a newer incarnation has registered" };
  await expect(waiting).rejects.toMatchObject({ reason });
  await expect(dialling.send([])).rejects.toMatchObject({ reason });
  await expect(dialling.send([])).rejects.toBeInstanceOf(NetworkError);
  expect(await dialling.closed).toEqual(reason);
});
