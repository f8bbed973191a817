import { expect, test } from "vitest";
import { memoryHost, type MemoryHost } from "./memory-host.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A machine whose file holds "safe" durably and "lost" behind it. */
async function machine(): Promise<MemoryHost> {
  const host = memoryHost();
  const file = await host.disk.open("/a", "create");
  await host.disk.syncDirectory("/");
  await file.write([text("safe")], 0);
  await file.sync();
  await file.write([text("lost")], 4);
  return host;
}

async function contentOf({ disk }: MemoryHost): Promise<string> {
  const file = await disk.open("/a", "read");
  const bytes = new Uint8Array(await file.size());
  await file.read(bytes, 0);
  return new TextDecoder().decode(bytes);
}

test("one image ends in as many power failures as wanted, and none of them touches the others or the machine itself", async () => {
  const host = await machine();
  await host.clock.advance(50);
  const image = host.image();
  const file = await host.disk.open("/a", "write");
  await file.write([text("later")], 0);
  const [none, all, again] = [
    image.boot({ keep: "none", seed: 1 }),
    image.boot({ keep: "all", seed: 1 }),
    image.boot({ keep: "none", seed: 2 }),
  ];
  expect(await contentOf(none)).toBe("safe");
  expect(await contentOf(all)).toBe("safelost");
  const other = await again.disk.open("/a", "write");
  await other.write([text("else")], 0);
  expect(await contentOf(none)).toBe("safe");
  expect(await contentOf(host)).toBe("laterost");
  expect(again.clock.monotonicMs()).toBe(50);
  expect(again.clock.wallMs()).toBe(host.clock.wallMs());
});

test("after a kill everything written is still to be seen, and still lost when the power goes then", async () => {
  const host = await machine();
  await host.disk.lock("/");
  const killed = host.image().killed({ seed: 1 });
  await killed.disk.lock("/");
  expect(await contentOf(killed)).toBe("safelost");
  killed.crash();
  expect(await contentOf(killed.restart())).toBe("safe");
});

test("what a failed sync should have made durable never becomes so", async () => {
  const host = await machine();
  const file = await host.disk.open("/a", "write");
  host.disk.failNext("sync", "EIO");
  await expect(file.sync()).rejects.toThrow("EIO");
  await file.sync();
  expect(await contentOf(host)).toBe("safelost");
  host.crash();
  expect(await contentOf(host.restart())).toBe("safe");
});
