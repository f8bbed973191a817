import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FramedConnection, FrameRoom, Listener, Network } from "../network.ts";
import { LARGE_FRAME_BYTES, NetworkError } from "../network.ts";

const MIB = 1 << 20;

/** A client that says and hears bytes. */
export interface ByteClient {
  send(bytes: Uint8Array): Promise<void>;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Says no more, and hears no more. */
  close(): void;
  readonly closed: Promise<unknown>;
}

interface Side {
  readonly network: Network;
  readonly host: string;
  dial(listener: Listener): Promise<ByteClient>;
}

/** Memory that a test hands out. */
class TestRoom implements FrameRoom {
  readonly limit: number;
  held = 0;
  #waiting: { bytes: number; resolve: (bytes: number) => void }[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  tryTake(bytes: number): number | null {
    if (this.held + bytes > this.limit) return null;
    this.held += bytes;
    return bytes;
  }

  take(bytes: number, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      const entry = { bytes, resolve };
      this.#waiting.push(entry);
      signal.addEventListener("abort", () => {
        this.#waiting = this.#waiting.filter((each) => each !== entry);
        reject(signal.reason);
      });
    });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  give(bytes: number): void {
    this.held -= bytes;
    const next = this.#waiting[0];
    if (next === undefined || this.held + next.bytes > this.limit) return;
    this.#waiting.shift();
    this.held += next.bytes;
    next.resolve(next.bytes);
  }
}

/** What every Network owes to those who speak in messages with their size before them. */
export function framedContract(name: string, open: () => Side): void {
  async function listen(options: { maxFrameBytes?: number; maxConnections?: number; roomBytes?: number } = {}) {
    const side = open();
    const accepted: FramedConnection[] = [];
    const full: string[] = [];
    const room = new TestRoom(options.roomBytes ?? 64 * MIB);
    const limits = {
      maxFrameBytes: options.maxFrameBytes ?? 8 * MIB,
      maxConnections: options.maxConnections ?? 100,
      room,
      malformed: (head: Uint8Array) => `no message: ${[...head.subarray(0, 6)].join(" ")}`,
      full: (peer: string) => full.push(peer),
    };
    const listener = await side.network.listenFramed({ host: side.host, port: 0 }, (connection) => accepted.push(connection), limits);
    return {
      side,
      listener,
      limits,
      room,
      accepted,
      full,
      dial: () => side.dial(listener),
      async pair(): Promise<[ByteClient, FramedConnection]> {
        const client = await side.dial(listener);
        await until(() => accepted.length > 0);
        const connection = accepted.pop();
        if (connection === undefined) throw new Error("nothing was accepted");
        return [client, connection];
      },
      async [Symbol.asyncDispose]() {
        await listener.close(0);
        await side.network.close();
      },
    };
  }

  describe(`a listener for messages with their size before them (${name})`, () => {
    test("hands over each message whole, however its bytes arrive", async () => {
      await using at = await listen();
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 0, max: 3 * LARGE_FRAME_BYTES }), { minLength: 1, maxLength: 6 }),
          fc.array(fc.integer({ min: 1009, max: 100_000 }), { minLength: 1, maxLength: 8 }),
          async (sizes, cuts) => {
            const [client, connection] = await at.pair();
            const sent = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
            void sendCut(client, join(sent.map(withSize)), cuts);
            const got = await take(connection, sizes.length);
            expect(got.map((frame) => frame.byteLength)).toEqual(sizes);
            got.forEach((frame, i) => expect(frame.every((byte) => byte === i + 1)).toBe(true));
            for (const { byteLength } of got) if (byteLength > LARGE_FRAME_BYTES) at.room.give(byteLength);
            client.close();
          },
        ),
        { numRuns: 15 },
      );
      expect(at.room.held).toBe(0);
    });

    test("hands over messages that come one byte at a time", async () => {
      await using at = await listen();
      const [client, connection] = await at.pair();
      void sendCut(client, join([withSize(text("abc")), withSize(text("")), withSize(text("d"))]), [1]);
      expect((await take(connection, 3)).map(asText)).toEqual(["abc", "", "d"]);
    });

    test("never hands out memory that the next message is read into", async () => {
      await using at = await listen();
      const [client, connection] = await at.pair();
      const frames = connection.frames[Symbol.asyncIterator]();
      await client.send(withSize(text("first")));
      const { value } = await frames.next();
      await client.send(withSize(text("other")));
      await frames.next();
      expect(asText(value)).toBe("first");
    });

    test("sends the size, then the parts one after the other", async () => {
      await using at = await listen();
      const [client, connection] = await at.pair();
      void connection.send([text("a"), text("bc")]);
      void connection.send([]);
      void connection.send([text("d")]);
      const expected = join([withSize(text("abc")), withSize(text("")), withSize(text("d"))]);
      expect(await hear(client, expected.byteLength)).toEqual(expected);
    });

    test.each([
      ["negative", -1],
      ["one above the limit", 1001],
      ["what HTTP says", 0x47455420],
    ])("a size that is %s ends the connection, and the first bytes say what it was", async (_, size) => {
      await using at = await listen({ maxFrameBytes: 1000 });
      const [client, connection] = await at.pair();
      const bytes = withSize(text("xy"));
      new DataView(bytes.buffer).setInt32(0, size);
      await client.send(join([withSize(text("before")), bytes]));
      const reason = await connection.closed;
      expect(reason).toMatchObject({ kind: "closed-here", code: "MALFORMED", message: `no message: ${[...bytes].join(" ")}` });
      await client.closed;
      expect(at.room.held).toBe(0);
      const [again, there] = await at.pair();
      await again.send(withSize(new Uint8Array(1000)));
      expect(await take(there, 1)).toHaveLength(1);
    });

    test("a large message waits for room and is read when there is some, small ones need none", async () => {
      await using at = await listen({ roomBytes: 2 * MIB });
      const [first, firstThere] = await at.pair();
      const [second, secondThere] = await at.pair();
      void first.send(withSize(new Uint8Array(2 * MIB)));
      await take(firstThere, 1);
      void second.send(join([withSize(text("small")), withSize(new Uint8Array(MIB).fill(7))]));
      const frames = secondThere.frames[Symbol.asyncIterator]();
      expect(asText((await frames.next()).value)).toBe("small");
      const large = frames.next();
      await until(() => at.room.waiting === 1);
      at.room.give(2 * MIB);
      const { value } = await large;
      expect(value).toHaveLength(MIB);
      expect(value?.every((byte: number) => byte === 7)).toBe(true);
      expect(at.room.held).toBe(MIB);
    });

    test("the room of a message that never becomes whole is given back", async () => {
      await using at = await listen();
      const [client, connection] = await at.pair();
      await client.send(withSize(new Uint8Array(MIB)).subarray(0, MIB / 2));
      await until(() => connection.arriving !== null && connection.arriving.received === MIB / 2 - 4);
      expect(connection.arriving).toEqual({ bytes: MIB, received: MIB / 2 - 4 });
      expect(at.room.held).toBe(MIB);
      client.close();
      await connection.closed;
      await until(() => at.room.held === 0);
      expect(connection.arriving).toBeNull();
      expect(await take(connection, 1)).toEqual([]);
    });

    test("the room of messages that nobody has read is given back when the connection is closed here", async () => {
      await using at = await listen({ roomBytes: MIB });
      const [client, connection] = await at.pair();
      void client.send(withSize(new Uint8Array(MIB)));
      await until(() => at.room.held === MIB && connection.arriving === null);
      connection.close("enough");
      expect(at.room.held).toBe(0);
    });

    test("a client whose messages nobody reads is held back, and goes on when somebody does", async () => {
      await using at = await listen({ roomBytes: 1024 * MIB });
      const [client, connection] = await at.pair();
      const one = withSize(new Uint8Array(MIB));
      let sent = 0;
      void (async () => {
        for (; sent < 64; sent++) await client.send(one);
      })();
      await settled();
      expect(at.room.held).toBeLessThan(8 * MIB);
      expect(await take(connection, 64)).toHaveLength(64);
    });

    test("a message that arrives while others are unread is not said to arrive: nobody reads it on", async () => {
      await using at = await listen();
      const [client, connection] = await at.pair();
      const [whole, half] = [withSize(new Uint8Array(MIB)), withSize(new Uint8Array(MIB)).subarray(0, MIB / 2)];
      void client.send(join([whole, half]));
      await until(() => at.room.held >= MIB);
      await settled();
      expect(connection.arriving).toBeNull();
      await take(connection, 1);
      await until(() => connection.arriving?.received === MIB / 2 - 4);
    });

    test("send waits while the client does not read, and is rejected when the connection ends", async () => {
      await using at = await listen();
      const [client, connection] = await at.pair();
      let sent = 0;
      const sends = Array.from({ length: 64 }, () => connection.send([new Uint8Array(MIB)]).then(() => sent++));
      const outcome = Promise.allSettled(sends);
      await settled();
      expect(sent).toBeLessThan(32);
      connection.close("takes no answers");
      expect((await outcome).at(-1)).toMatchObject({ status: "rejected" });
      await expect(connection.send([text("late")])).rejects.toBeInstanceOf(NetworkError);
      client.close();
    });

    test("closing delivers what was sent, also when the client has said more than was read", async () => {
      await using at = await listen();
      const [client, connection] = await at.pair();
      await client.send(withSize(new Uint8Array(1000)));
      await until(() => true);
      void connection.send([new Uint8Array(300_000).fill(5)]);
      void client.send(withSize(new Uint8Array(1000)));
      connection.close();
      connection.close();
      expect((await hear(client, 300_004)).byteLength).toBe(300_004);
      expect((await connection.closed).kind).toBe("closed-here");
      client.close();
    });

    test("what a client said before it went is still read", async () => {
      await using at = await listen();
      const [client, connection] = await at.pair();
      await client.send(join([withSize(text("a")), withSize(text("b"))]));
      client.close();
      expect((await connection.closed).kind).toBe("finished");
      expect((await take(connection, 3)).map(asText)).toEqual(["a", "b"]);
    });

    test("connections beyond the limit are turned away, and there is room again when one ends", async () => {
      await using at = await listen({ maxConnections: 2 });
      const [first, there] = await at.pair();
      await at.pair();
      await at
        .dial()
        .then((third) => third.closed)
        .catch(() => {});
      await until(() => at.full.length === 1);
      first.close();
      await there.closed;
      await settled();
      const [again, connection] = await at.pair();
      await again.send(withSize(text("in")));
      expect((await take(connection, 1)).map(asText)).toEqual(["in"]);
    });

    test("closing the listener breaks what does not end by itself, and nobody gets in any more", async () => {
      await using at = await listen();
      const [client, connection] = await at.pair();
      await at.listener.close(0);
      expect((await connection.closed).kind).toBe("reset");
      await client.closed;
      await expect(at.dial()).rejects.toThrow();
    });

    test("closing the listener with grace lets connections end in order", async () => {
      await using at = await listen();
      const [client, connection] = await at.pair();
      const closing = at.listener.close(5000);
      await client.send(withSize(text("last")));
      expect((await take(connection, 1)).map(asText)).toEqual(["last"]);
      client.close();
      expect((await connection.closed).kind).toBe("finished");
      await closing;
    });

    test("an address in use is named", async () => {
      await using at = await listen();
      const { host, port } = at.listener.address;
      const again = at.side.network.listenFramed({ host, port }, () => {}, at.limits);
      await expect(again).rejects.toThrow(`${host}:${port}`);
      await expect(again).rejects.toBeInstanceOf(NetworkError);
    });
  });
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function asText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function withSize(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + message.byteLength);
  new DataView(bytes.buffer).setInt32(0, message.byteLength);
  bytes.set(message, 4);
  return bytes;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

async function sendCut(client: ByteClient, bytes: Uint8Array, cuts: readonly number[]): Promise<void> {
  for (let at = 0, i = 0; at < bytes.byteLength; i++) {
    const until = at + (cuts[i % cuts.length] ?? 1);
    await client.send(bytes.subarray(at, until));
    await new Promise((resolve) => setImmediate(resolve));
    at = until;
  }
}

async function take(connection: FramedConnection, count: number): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  if (count === 0) return frames;
  for await (const frame of connection.frames) {
    frames.push(frame);
    if (frames.length === count) break;
  }
  return frames;
}

async function hear(client: ByteClient, count: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of client.bytes) {
    parts.push(part);
    bytes += part.byteLength;
    if (bytes >= count) break;
  }
  return join(parts);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Long enough for everything that can happen in this process to have happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
