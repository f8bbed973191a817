import { memoryHost, type MemoryHost } from "@ottla/host";
import { pb, ProtocolError } from "@ottla/protocol";
import { expect, test } from "vitest";
import { NotLeaderError } from "../quorum/index.ts";
import { digestText } from "./digest.ts";
import type { Draft } from "./draft.ts";
import { InFlight } from "./in-flight.ts";
import { Pump } from "./pump.ts";
import type { Task } from "./task.ts";
import { State } from "./state.ts";

/** A quorum whose commits come when the test says so. */
class HeldQuorum {
  readonly proposed: pb.Entry[] = [];
  leads = true;
  full = false;
  readonly #rounds: (() => void)[] = [];

  propose(data: Uint8Array): number {
    if (this.full) throw new ProtocolError("KAFKA_STORAGE_ERROR", "the disk is full");
    if (!this.leads) throw new NotLeaderError("append an entry", 1, -1);
    this.proposed.push(pb.Entry.decode(data));
    return this.proposed.length;
  }

  readIndex(): Promise<number> {
    return new Promise((resolve) => this.#rounds.push(() => resolve(this.proposed.length)));
  }

  readonly transferring = false;

  confirmReads(): void {
    for (const confirm of this.#rounds.splice(0)) confirm();
  }
}

interface Bench {
  readonly host: MemoryHost;
  readonly quorum: HeldQuorum;
  readonly state: State;
  readonly inFlight: InFlight;
  readonly pump: Pump;
  readonly answers: string[];
  readonly failures: Error[];
  commit(index: number): void;
}

function bench(): Bench {
  const host = memoryHost();
  const quorum = new HeldQuorum();
  const state = new State();
  const inFlight = new InFlight(state);
  const failures: Error[] = [];
  const pump = new Pump(host.clock, host.random, state, inFlight, quorum, (error) => failures.push(error));
  pump.lead();
  const commit = (index: number): void => {
    inFlight.commit(index);
    pump.committed(index);
  };
  return { host, quorum, state, inFlight, pump, answers: [], failures, commit };
}

function write(bench: Bench, name: string, o: Partial<Task> = {}): Task {
  return {
    bytes: 10,
    deadlineMs: Infinity,
    startsEntry: false,
    decide(draft: Draft) {
      draft.write({ case: "feature", value: { name, level: draft.index } });
      return () => bench.answers.push(name);
    },
    expire: () => bench.answers.push(`${name} expired`),
    refuse: ({ error }) => bench.answers.push(`${name}: ${error}`),
    ...o,
  };
}

function read(bench: Bench, name: string): Task {
  return {
    ...write(bench, name),
    decide(draft) {
      const seen = draft.state.features.get(name) ?? null;
      return () => bench.answers.push(`${name} was ${seen}`);
    },
  };
}

test("commands of one turn share an entry, see each other, and are answered when it is committed", async () => {
  const b = bench();
  b.pump.submit(write(b, "a"));
  b.pump.submit(read(b, "a"));
  b.pump.submit(write(b, "b"));
  await b.host.clock.advance(1);
  expect(b.quorum.proposed.map(({ records }) => records.length)).toEqual([2]);
  b.quorum.confirmReads();
  await b.host.clock.advance(1);
  expect(b.answers).toEqual([]);
  b.commit(1);
  expect(b.answers).toEqual(["a", "b", "a was 1"]);
});

test("a read waits for a round of the quorum, even when nothing is in flight", async () => {
  const b = bench();
  b.pump.submit(read(b, "a"));
  await b.host.clock.advance(1);
  expect(b.answers).toEqual([]);
  b.quorum.confirmReads();
  await b.host.clock.advance(1);
  expect(b.answers).toEqual(["a was null"]);
});

test("each entry carries the digest of the state it was decided on", async () => {
  const b = bench();
  const digests = [digestText(b.state.digest)];
  for (const name of ["a", "b"]) {
    b.pump.submit(write(b, name, { startsEntry: true }));
    await b.host.clock.advance(1);
    digests.push(digestText(b.state.digest));
  }
  expect(b.quorum.proposed.map(({ digest }) => digestText(digest))).toEqual(digests.slice(0, 2));
});

test("a task that must start an entry does", async () => {
  const b = bench();
  for (const task of [write(b, "a"), write(b, "b", { startsEntry: true }), write(b, "c")]) b.pump.submit(task);
  await b.host.clock.advance(1);
  expect(b.quorum.proposed.map(({ records }) => records.length)).toEqual([1, 2]);
});

test("when leadership is lost, what is not committed is undone and nobody is answered", async () => {
  const b = bench();
  b.pump.submit(write(b, "a"));
  await b.host.clock.advance(1);
  b.commit(1);
  const committed = digestText(b.state.digest);
  for (const name of ["b", "c"]) {
    b.pump.submit(write(b, name));
    await b.host.clock.advance(1);
  }
  b.pump.submit(read(b, "b"));
  b.quorum.leads = false;
  b.pump.submit(write(b, "d"));
  await b.host.clock.advance(1);
  b.pump.stop();
  expect(digestText(b.state.digest)).toBe(committed);
  expect([...b.state.features.keys()]).toEqual(["a"]);
  b.quorum.confirmReads();
  await b.host.clock.advance(1);
  expect(b.answers).toEqual(["a"]);
  expect(b.failures).toEqual([]);
});

test("bytes in flight are bounded: what comes beyond waits for a commit, and is told when its time is up", async () => {
  const b = bench();
  const value = "x".repeat(1 << 20);
  const large = (name: string): Task =>
    write(b, name, {
      startsEntry: true,
      deadlineMs: name === "20" ? 50 : Infinity,
      decide(draft) {
        draft.write({ case: "config", value: { resourceType: 4, resource: "", name, value } });
        return () => b.answers.push(name);
      },
      expire: () => b.answers.push(`${name} expired`),
    });
  for (let at = 1; at <= 20; at++) b.pump.submit(large(String(at)));
  await b.host.clock.advance(100);
  expect(b.quorum.proposed.length).toBe(16);
  b.pump.expire(b.host.clock.monotonicMs());
  expect(b.answers).toEqual(["20 expired"]);
  b.commit(1);
  await b.host.clock.advance(1);
  expect(b.quorum.proposed.length).toBe(17);
});

test("what a full disk does not take is undone and refused, while reads go on and see none of it", async () => {
  const b = bench();
  b.quorum.full = true;
  const before = digestText(b.state.digest);
  for (const task of [read(b, "a"), write(b, "a"), read(b, "a"), write(b, "b")]) b.pump.submit(task);
  await b.host.clock.advance(1);
  expect(b.answers).toEqual(["a: KAFKA_STORAGE_ERROR", "b: KAFKA_STORAGE_ERROR"]);
  expect(digestText(b.state.digest)).toBe(before);
  b.quorum.confirmReads();
  await b.host.clock.advance(1);
  expect(b.answers.slice(2)).toEqual(["a was null", "a was null"]);
  b.quorum.full = false;
  b.pump.submit(write(b, "a"));
  await b.host.clock.advance(1);
  b.commit(1);
  expect(b.answers.slice(4)).toEqual(["a"]);
});

test("the queue is bounded", () => {
  const b = bench();
  let taken = 0;
  while (b.pump.submit(write(b, "a"))) taken++;
  expect(taken).toBe(20_000);
  const other = bench();
  expect(other.pump.submit(write(other, "a", { bytes: 64 * 1024 * 1024 }))).toBe(true);
  expect(other.pump.submit(write(other, "b", { bytes: 1 }))).toBe(false);
});
