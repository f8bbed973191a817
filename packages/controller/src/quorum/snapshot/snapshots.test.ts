import { memoryHost, silentLogger } from "@ottla/host";
import { pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { DIGEST_BYTES } from "../../state/digest.ts";
import { Snapshots } from "./snapshots.ts";
import type { SnapshotSink } from "./types.ts";

const one = { nodeId: 1, directoryId: "01".repeat(16) };
const two = { nodeId: 2, directoryId: "02".repeat(16) };
const digest = new Uint8Array(DIGEST_BYTES).fill(7);
const last = { index: 40, term: 3 };
/** More than fit into one chunk. */
const facts = Array.from({ length: 5 }, (_, i) => new Uint8Array(300_000).fill(i + 1));

class Sink implements SnapshotSink {
  facts: Uint8Array[] = [];
  failure: string | null = null;

  /** Byte by byte in one go: an assertion over each number of megabytes takes seconds. */
  get holdsAll(): boolean {
    return this.facts.length === facts.length && facts.every((fact, i) => Buffer.compare(fact, this.facts[i] ?? new Uint8Array()) === 0);
  }

  async begin(): Promise<void> {
    this.facts = [];
  }

  async add(more: readonly Uint8Array[]): Promise<void> {
    this.facts.push(...more.map((fact) => fact.slice()));
  }

  async finish(): Promise<void> {
    if (this.failure !== null) throw new Error(this.failure);
  }
}

/** A leader's end and a follower's. What passes between them can be meddled with. */
function pair() {
  const { clock } = memoryHost();
  const sink = new Sink();
  const o = {
    ended: 0,
    complete: 0,
    meddle: (message: pb.RaftMessage["message"]): pb.RaftMessage["message"] | null => message,
  };
  const common = { clock, logger: silentLogger, sink, term: () => 3, source: () => ({ last, digest, facts }) };
  const leader: Snapshots = new Snapshots({
    ...common,
    send: (_to, bytes) => {
      const message = o.meddle(pb.RaftMessage.decode(bytes).message);
      if (message !== null) follower.receive(one, message, true);
    },
    onEnded: () => o.ended++,
    onComplete: () => {},
  });
  const follower: Snapshots = new Snapshots({
    ...common,
    send: (_to, bytes) => leader.receive(two, pb.RaftMessage.decode(bytes).message, false),
    onEnded: () => {},
    onComplete: () => o.complete++,
  });
  return { clock, sink, leader, follower, o };
}

test("a state goes over in chunks, each acknowledged, and arrives as it was", async () => {
  const { clock, sink, leader, o } = pair();
  leader.send(two);
  await clock.runUntil(() => o.ended === 1, 1000);
  expect(o.complete).toBe(1);
  expect(sink.holdsAll).toBe(true);
  expect(leader.sentCount).toBe(1);
});

test("a chunk that is lost ends the transfer after its deadline, and the next attempt brings the whole", async () => {
  const { clock, sink, leader, o } = pair();
  let chunks = 0;
  o.meddle = (message) => (++chunks === 2 ? null : message);
  leader.send(two);
  await clock.advance(29_000);
  expect(o.ended).toBe(0);
  await clock.runUntil(() => o.ended === 1, 5000);
  expect(o.complete).toBe(0);
  leader.send(two);
  await clock.runUntil(() => o.ended === 2, 1000);
  expect(o.complete).toBe(1);
  expect(sink.holdsAll).toBe(true);
});

test("what does not follow, cannot be read or does not verify is refused, and asked for again only after a while", async () => {
  const { clock, sink, leader, o } = pair();
  o.meddle = (message) =>
    message.case === "snapshotChunk" && message.value.position > 0
      ? { case: "snapshotChunk", value: { ...message.value, position: message.value.position + 1 } }
      : message;
  leader.send(two);
  await clock.advance(900);
  expect(o.ended).toBe(0);
  await clock.runUntil(() => o.ended === 1, 1000);
  o.meddle = (message) => message;
  sink.failure = "its values have another digest";
  leader.send(two);
  await clock.runUntil(() => o.ended === 2, 5000);
  expect(o.complete).toBe(0);
  sink.failure = null;
  leader.send(two);
  await clock.runUntil(() => o.ended === 3, 5000);
  expect(o.complete).toBe(1);
  expect(() => {
    const value = pb.SnapshotChunk.create({ lastIndex: 40, lastTerm: 3, position: 0, data: new Uint8Array(DIGEST_BYTES + 3), done: true });
    leader.receive(two, { case: "snapshotChunk", value }, true);
  }).toThrow("its values end at byte");
});

test("a broken connection and lost leadership end the transfer; what comes from another than the leader is not taken", async () => {
  const { clock, leader, follower, o } = pair();
  o.meddle = () => null;
  leader.send(two);
  leader.broken(2);
  await clock.runUntil(() => o.ended === 1, 5000);
  leader.send(two);
  leader.lost();
  await clock.runUntil(() => o.ended === 2, 5000);
  const value = pb.SnapshotChunk.create({ lastIndex: 40, lastTerm: 3, position: 0, data: digest, done: true });
  follower.receive(one, { case: "snapshotChunk", value }, false);
  await clock.advance(100);
  expect(o.complete).toBe(0);
  expect(leader.lowestOnItsWay).toBe(Number.MAX_SAFE_INTEGER);
});
