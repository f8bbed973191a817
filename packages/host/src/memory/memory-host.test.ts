import { expect, test } from "vitest";
import { delay } from "../deadline.ts";
import { memoryHost } from "./memory-host.ts";

test("events run in order of due time with promises settled in between", async () => {
  const { clock } = memoryHost();
  const seen: string[] = [];
  clock.after(20, () => seen.push("20"));
  clock.after(10, () => {
    seen.push("10");
    void Promise.resolve()
      .then(() => {})
      .then(() => {
        seen.push("10 later");
        clock.soon(() => seen.push("10 soon"));
      });
  });
  clock.after(10, () => seen.push("10 too")).cancel();
  clock.after(10, () => seen.push("10 also"));
  clock.after(31, () => seen.push("never"));
  const wallMs = clock.wallMs();
  await clock.advance(30);
  expect(seen).toEqual(["10", "10 later", "10 also", "10 soon", "20"]);
  expect(clock.monotonicMs()).toBe(30);
  expect(clock.wallMs()).toBe(wallMs + 30);
});

test("run carries a promise through virtual time, and says so when nothing can settle it", async () => {
  const { clock } = memoryHost();
  await clock.run(delay(clock, 5000));
  expect(clock.monotonicMs()).toBe(5000);
  await expect(clock.run(new Promise(() => {}))).rejects.toThrow("nothing is left to run");
  clock.after(100, () => {});
  await expect(clock.runUntil(() => false, 50)).rejects.toThrow("within 50 ms");
});

test("nothing of a crashed life happens or changes anything any more", async () => {
  const host = memoryHost();
  const file = await host.disk.open("/a", "create");
  await host.disk.syncDirectory("/");
  const seen: string[] = [];
  host.clock.after(10, () => seen.push("timer of the first life"));
  host.disk.fault = (operation) => (operation === "sync" ? "crash" : undefined);
  await expect(file.sync()).rejects.toMatchObject({ name: "DiskError" });
  expect(host.crashed).toBe(true);
  const next = host.restart();
  next.clock.after(20, () => seen.push("timer of the second life"));
  host.clock.after(5, () => seen.push("late timer"));
  await next.clock.advance(100);
  expect(seen).toEqual(["timer of the second life"]);
  await expect(file.write([new Uint8Array(1)], 0)).rejects.toMatchObject({ name: "DiskError" });
  await expect(host.disk.remove("/a")).rejects.toMatchObject({ name: "DiskError" });
  await expect(host.stores.open("/s", { create: true })).rejects.toMatchObject({ name: "DiskError" });
  expect(await next.disk.list("/")).toEqual(["a"]);
});

test("the same seed draws the same numbers, another seed others", () => {
  const draw = (seed: number): number[] => Array.from({ length: 10 }, () => memoryHost({ seed }).random.below(1_000_000));
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  const { random } = memoryHost();
  const counts = [0, 0, 0];
  for (let drawn = 0; drawn < 3000; drawn += 1) {
    const value = random.below(3);
    counts[value] = (counts[value] ?? 0) + 1;
  }
  for (const count of counts) expect(count).toBeGreaterThan(900);
  expect(random.uuid()[6]).toBeGreaterThanOrEqual(0x40);
});

test("a killed process leaves what it wrote to the next life, not to the one after a power failure, and its peers hear of it at once", async () => {
  const host = memoryHost({ hostName: "a" });
  const peer = memoryHost({ beside: host, hostName: "b" });
  const service = { name: "a.b.C/D", accept: () => ({}) };
  await host.network.listen({ host: "a", port: 1 }, [service], { maxFrameBytes: 10, maxSessions: 10 });
  const options = { attributes: {}, maxFrameBytes: 10, signal: new AbortController().signal };
  const session = await peer.network.dial({ host: "a", port: 1 }, service.name, options);
  const file = await host.disk.open("/a", "create");
  await file.write([new Uint8Array(7)], 0);
  await host.disk.lock("/");
  host.kill();
  expect(await session.closed).toMatchObject({ kind: "reset" });
  expect(host.clock.monotonicMs()).toBe(0);
  const second = host.restart();
  await second.disk.lock("/");
  expect(await (await second.disk.open("/a", "read")).size()).toBe(7);
  second.crash();
  expect(await second.restart().disk.list("/")).toEqual([]);
  await expect(peer.network.dial({ host: "a", port: 1 }, service.name, options)).rejects.toMatchObject({ reason: { kind: "refused" } });
});
