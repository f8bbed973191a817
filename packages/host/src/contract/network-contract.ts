import { describe, expect, test } from "vitest";
import { NetworkError, type Attributes, type Listener, type Network, type Session } from "../network.ts";

const MIB = 1 << 20;
const SERVICE = "test.v1.Test/Stream";

/** What every Network owes its users. `open` gives the networks of two machines, of which the second listens. */
export function networkContract(name: string, open: () => { dialling: Network; listening: Network; host: string }): void {
  async function connect(
    options: { accept?: (session: Session) => Attributes; maxFrameBytes?: number; maxSessions?: number } = {},
  ): Promise<{
    dial: (attributes?: Attributes, maxFrameBytes?: number, service?: string) => Promise<Session>;
    pair: (attributes?: Attributes) => Promise<[Session, Session]>;
    listener: Listener;
    networks: { dialling: Network; listening: Network };
    [Symbol.asyncDispose]: () => Promise<void>;
  }> {
    const networks = open();
    const accepted: Session[] = [];
    const listener = await networks.listening.listen(
      { host: networks.host, port: 0 },
      [
        {
          name: SERVICE,
          accept(session) {
            const attributes = options.accept?.(session) ?? {};
            accepted.push(session);
            return attributes;
          },
        },
      ],
      { maxFrameBytes: options.maxFrameBytes ?? 4 * MIB, maxSessions: options.maxSessions ?? 100 },
    );
    const dial = (attributes: Attributes = {}, maxFrameBytes = 4 * MIB, service = SERVICE): Promise<Session> =>
      networks.dialling.dial(listener.address, service, { attributes, maxFrameBytes, signal: AbortSignal.timeout(5000) });
    return {
      dial,
      async pair(attributes) {
        const dialled = await dial(attributes);
        const other = accepted.at(-1);
        if (other === undefined) throw new Error("nothing was accepted");
        return [dialled, other];
      },
      listener,
      networks,
      async [Symbol.asyncDispose]() {
        await networks.dialling.close();
        await listener.close(0);
        await networks.listening.close();
      },
    };
  }

  describe(`a network (${name})`, () => {
    test("carries frames in order both ways, parts joined", async () => {
      await using at = await connect();
      const [dialled, accepted] = await at.pair();
      await dialled.send([text("a"), text("bc")]);
      await dialled.send([new Uint8Array()]);
      await dialled.send([]);
      await dialled.send([text("d")]);
      await accepted.send([text("x")]);
      expect(await take(accepted, 4)).toEqual(["abc", "", "", "d"]);
      expect(await take(dialled, 1)).toEqual(["x"]);
    });

    test("hands over attributes both ways, whatever characters they hold", async () => {
      await using at = await connect({ accept: () => ({ "ottla-cluster-id": "ü 100% 🙂" }) });
      const [dialled, accepted] = await at.pair({ "ottla-client-id": "a%20b\nc" });
      expect(dialled.attributes).toEqual({ "ottla-cluster-id": "ü 100% 🙂" });
      expect(accepted.attributes).toMatchObject({ "ottla-client-id": "a%20b\nc" });
      expect(accepted.attributes[":authority"]).toBe(`${at.listener.address.host}:${at.listener.address.port}`);
      expect(accepted.service).toBe(SERVICE);
    });

    test("never shares a buffer between the two sides", async () => {
      await using at = await connect();
      const [dialled, accepted] = await at.pair();
      const frame = text("before");
      await dialled.send([frame]);
      frame.fill(0);
      expect(await take(accepted, 1)).toEqual(["before"]);
    });

    test.each(["dialling", "accepting"])("an orderly close by the %s side delivers what was sent", async (side) => {
      await using at = await connect();
      const [dialled, accepted] = await at.pair();
      const [closer, other] = side === "dialling" ? [dialled, accepted] : [accepted, dialled];
      for (let frame = 0; frame < 50; frame += 1) void closer.send([new Uint8Array(50_000).fill(frame)]);
      closer.close();
      closer.close();
      const received: number[] = [];
      for await (const frame of other.frames) received.push(frame[0] ?? -1);
      expect(received).toEqual(Array.from({ length: 50 }, (_, frame) => frame));
      expect((await other.closed).kind).toBe("finished");
      expect((await closer.closed).kind).toBe("closed-here");
      await expect(closer.send([text("late")])).rejects.toBeInstanceOf(NetworkError);
      await expect(other.send([text("late")])).rejects.toBeInstanceOf(NetworkError);
    });

    test.each(["dialling", "accepting"])("a close with a reason by the %s side reaches the other with code and text", async (side) => {
      await using at = await connect();
      const [dialled, accepted] = await at.pair();
      const [closer, other] = side === "dialling" ? [dialled, accepted] : [accepted, dialled];
      closer.close({ code: "NOT_CONTROLLER", message: "node 3 leads: ü 50%" });
      expect(await take(other, 1)).toEqual([]);
      expect(await other.closed).toEqual({ kind: "rejected", code: "NOT_CONTROLLER", message: "node 3 leads: ü 50%" });
      expect((await closer.closed).kind).toBe("closed-here");
    });

    test("a service that refuses a session says why", async () => {
      await using at = await connect({
        accept: () => {
          throw new NetworkError({ kind: "rejected", code: "WRONG_NODE", message: "this is node 7" });
        },
      });
      await expect(at.dial()).rejects.toMatchObject({ reason: { kind: "rejected", code: "WRONG_NODE", message: "this is node 7" } });
    });

    test("a service that is not there is refused by name", async () => {
      await using at = await connect();
      await expect(at.dial({}, MIB, "test.v1.Test/Other")).rejects.toMatchObject({
        reason: { kind: "rejected", code: "UNIMPLEMENTED", message: expect.stringContaining("test.v1.Test/Other") },
      });
    });

    test("send waits while the other side does not read, and goes on when it does", async () => {
      await using at = await connect();
      const [dialled, accepted] = await at.pair();
      for (const [sender, reader] of [
        [dialled, accepted],
        [accepted, dialled],
      ] as const) {
        let sent = 0;
        let read = 0;
        const sending = (async () => {
          for (; sent < 64; sent += 1) await sender.send([new Uint8Array(MIB)]);
          sender.close();
        })();
        await settled();
        expect(sent).toBeLessThan(32);
        for await (const frame of reader.frames) {
          read += 1;
          expect(frame.byteLength).toBe(MIB);
          if (read === 64) break;
        }
        await sending;
        expect(read).toBe(64);
        if (sender === dialled) return;
      }
    });

    test("a send that waits for a reader is rejected when the session ends", async () => {
      await using at = await connect();
      const [dialled, accepted] = await at.pair();
      const sends: Promise<void>[] = [];
      for (let frame = 0; frame < 32; frame += 1) sends.push(accepted.send([new Uint8Array(MIB)]));
      const outcome = Promise.allSettled(sends);
      await settled();
      dialled.close({ code: "ENOUGH", message: "no more" });
      expect((await outcome).at(-1)?.status).toBe("rejected");
    });

    test("a frame above the listener's limit ends the session, not the listener", async () => {
      await using at = await connect({ maxFrameBytes: 1000 });
      const [dialled, accepted] = await at.pair();
      await dialled.send([new Uint8Array(1001)]);
      const reason = await dialled.closed;
      expect(reason).toMatchObject({ kind: "rejected", code: "RESOURCE_EXHAUSTED" });
      expect(reason.message).toMatch(/1001.*1000/);
      await accepted.closed;
      const [again, there] = await at.pair();
      await again.send([new Uint8Array(1000)]);
      expect(await take(there, 1)).toHaveLength(1);
    });

    test("each dial's own frame limit is honoured", async () => {
      await using at = await connect({
        accept: (session) => {
          void session.send([new Uint8Array(2000)]);
          return {};
        },
      });
      const small = await at.dial({}, 1000);
      const large = await at.dial({}, 3000);
      expect(await take(large, 1)).toHaveLength(1);
      expect(await take(small, 1)).toEqual([]);
      expect(await small.closed).toMatchObject({ code: "RESOURCE_EXHAUSTED", message: expect.stringMatching(/2000.*1000/) });
    });

    test("sessions beyond the limit are refused with the limit, and there is room again when one ends", async () => {
      await using at = await connect({ maxSessions: 2 });
      const [first, firstThere] = await at.pair();
      await at.dial();
      await expect(at.dial()).rejects.toMatchObject({
        reason: { kind: "rejected", code: "RESOURCE_EXHAUSTED", message: expect.stringContaining("2 sessions") },
      });
      first.close();
      await firstThere.closed;
      await settled();
      await at.dial();
    });

    test("an address where nothing listens refuses, and works as soon as something does", async () => {
      const { dialling, listening, host } = open();
      const options = { maxFrameBytes: MIB, maxSessions: 10 };
      const first = await listening.listen({ host, port: 0 }, [], options);
      await first.close(0);
      const dial = (): Promise<Session> =>
        dialling.dial(first.address, SERVICE, { attributes: {}, maxFrameBytes: MIB, signal: AbortSignal.timeout(5000) });
      await expect(dial()).rejects.toMatchObject({ reason: { kind: "refused" } });
      await expect(dialling.probe(first.address, AbortSignal.timeout(5000))).rejects.toMatchObject({ reason: { kind: "refused" } });
      const second = await listening.listen(first.address, [{ name: SERVICE, accept: () => ({}) }], options);
      await dialling.probe(first.address, AbortSignal.timeout(5000));
      await dial();
      await dialling.close();
      await second.close(0);
    });

    test("dial gives up when its signal does", async () => {
      await using at = await connect();
      const controller = new AbortController();
      const dialling = at.networks.dialling.dial(at.listener.address, SERVICE, {
        attributes: {},
        maxFrameBytes: MIB,
        signal: controller.signal,
      });
      controller.abort();
      await expect(dialling).rejects.toMatchObject({ reason: { kind: "closed-here" } });
    });

    test("an address in use is named", async () => {
      await using at = await connect();
      const { host, port } = at.listener.address;
      const again = at.networks.listening.listen({ host, port }, [], { maxFrameBytes: MIB, maxSessions: 1 });
      await expect(again).rejects.toThrow(`${host}:${port}`);
      await expect(again).rejects.toBeInstanceOf(NetworkError);
    });

    test("closing a listener breaks the sessions that do not end by themselves", async () => {
      await using at = await connect();
      const [dialled, accepted] = await at.pair();
      await at.listener.close(0);
      expect((await dialled.closed).kind).toBe("reset");
      expect((await accepted.closed).kind).toBe("reset");
      await expect(at.dial()).rejects.toMatchObject({ reason: { kind: "refused" } });
    });

    test("closing a listener with grace lets sessions end in order", async () => {
      await using at = await connect();
      const [dialled, accepted] = await at.pair();
      const closing = at.listener.close(5000);
      await dialled.send([text("last")]);
      dialled.close();
      expect(await take(accepted, 2)).toEqual(["last"]);
      expect((await accepted.closed).kind).toBe("finished");
      await closing;
    });

    test("closing the dialling network ends its sessions in order", async () => {
      await using at = await connect();
      const [dialled, accepted] = await at.pair();
      await dialled.send([text("last")]);
      const closing = at.networks.dialling.close();
      expect(await take(accepted, 2)).toEqual(["last"]);
      expect((await accepted.closed).kind).toBe("finished");
      await closing;
      await expect(at.dial()).rejects.toBeInstanceOf(NetworkError);
    });
  });
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Up to `count` frames, as text. */
async function take(session: Session, count: number): Promise<string[]> {
  const frames: string[] = [];
  for await (const frame of session.frames) {
    frames.push(new TextDecoder().decode(frame));
    if (frames.length === count) break;
  }
  return frames;
}

/** Long enough for everything that can happen in this process to have happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
