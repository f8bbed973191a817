import { expect, test } from "vitest";
import { framedContract } from "../contract/framed-contract.ts";
import { networkContract } from "../contract/network-contract.ts";
import type { Session } from "../network.ts";
import { memoryHost, type MemoryHost } from "./memory-host.ts";

networkContract("in memory", () => {
  const one = memoryHost({ hostName: "one" });
  const two = memoryHost({ hostName: "two", beside: one });
  return { dialling: one.network, listening: two.network, host: "two" };
});

framedContract("in memory", () => {
  const one = memoryHost({ hostName: "one" });
  const two = memoryHost({ hostName: "two", beside: one });
  return {
    network: two.network,
    host: "two",
    dial: async ({ address }) => {
      const session = await one.network.dialBytes(address, AbortSignal.timeout(5000));
      return { send: (bytes) => session.send([bytes]), bytes: session.frames, close: () => session.close(), closed: session.closed };
    },
  };
});

async function connected(): Promise<{ one: MemoryHost; two: MemoryHost; here: Session; there: Session }> {
  const one = memoryHost({ hostName: "one" });
  const two = memoryHost({ hostName: "two", beside: one });
  const accepted: Session[] = [];
  await two.network.listen(
    { host: "two", port: 9 },
    [
      {
        name: "s",
        accept(session) {
          accepted.push(session);
          return {};
        },
      },
    ],
    { maxFrameBytes: 100, maxSessions: 10 },
  );
  const here = await one.network.dial({ host: "two", port: 9 }, "s", options());
  const there = accepted[0];
  if (there === undefined) throw new Error("nothing was accepted");
  return { one, two, here, there };
}

const options = () => ({ attributes: {}, maxFrameBytes: 100, signal: new AbortController().signal });

async function next(session: AsyncIterator<Uint8Array>): Promise<number | undefined> {
  const result = await session.next();
  return result.done === true ? undefined : result.value[0];
}

test("delayed frames arrive in order and in time", async () => {
  const { one, here, there } = await connected();
  const delays = [30, 10];
  one.network.trouble({ delayMs: () => delays.shift() ?? 0 });
  await here.send([new Uint8Array([1])]);
  await here.send([new Uint8Array([2])]);
  const frames = there.frames[Symbol.asyncIterator]();
  expect(await one.clock.run(next(frames))).toBe(1);
  expect(one.clock.monotonicMs()).toBe(30);
  expect(await one.clock.run(next(frames))).toBe(2);
  expect(one.clock.monotonicMs()).toBe(30);
});

test("a stall holds one direction, and everything comes late", async () => {
  const { one, two, here, there } = await connected();
  one.network.trouble({ stalled: true }, "two");
  await here.send([new Uint8Array([1])]);
  await there.send([new Uint8Array([7])]);
  expect(await next(here.frames[Symbol.asyncIterator]())).toBe(7);
  const dialling = one.network.dial({ host: "two", port: 9 }, "s", options());
  await one.clock.advance(10_000);
  one.network.trouble({}, "two");
  expect(await two.clock.run(next(there.frames[Symbol.asyncIterator]()))).toBe(1);
  await two.clock.run(dialling);
});

test("a reset loses what is under way", async () => {
  const { one, here, there } = await connected();
  one.network.trouble({ stalled: true });
  await here.send([new Uint8Array([1])]);
  one.network.reset("two");
  one.network.trouble({});
  expect((await there.closed).kind).toBe("reset");
  expect((await here.closed).kind).toBe("reset");
  expect(await next(there.frames[Symbol.asyncIterator]())).toBeUndefined();
});

test("the peers of a machine that lost its power notice after a while, and it can be dialled in its next life", async () => {
  const { one, two, here, there } = await connected();
  two.crash();
  expect((await there.closed).kind).toBe("reset");
  await here.send([new Uint8Array([1])]);
  await one.clock.run(here.closed);
  expect(one.clock.monotonicMs()).toBe(3000);
  await expect(two.network.listen({ host: "two", port: 9 }, [], { maxFrameBytes: 1, maxSessions: 1 })).rejects.toMatchObject({
    name: "NetworkError",
  });
  await expect(one.network.dial({ host: "two", port: 9 }, "s", options())).rejects.toMatchObject({ reason: { kind: "refused" } });
  const again = two.restart();
  await again.network.listen({ host: "two", port: 9 }, [{ name: "s", accept: () => ({}) }], { maxFrameBytes: 100, maxSessions: 10 });
  await one.network.dial({ host: "two", port: 9 }, "s", options());
});
