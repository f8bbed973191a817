import { type Attributes, createSessionPair, memoryHost, NetworkError, type Session, silentLogger } from "@ottla/host";
import { expect, test } from "vitest";
import type { Candidate } from "./controllers.ts";
import { Redial } from "./redial.ts";

/** Controllers 1, 2, 3 as the test says they are at the moment, and a broker that keeps a session with one. */
function setUp(states: readonly ["silent" | "refuses" | NetworkError | null, number][] = []) {
  const { clock } = memoryHost();
  const dials: { nodeId: number; atMs: number }[] = [];
  const down = new Map(states.map(([state, nodeId]) => [nodeId, state]));
  const open: { nodeId: number; session: Session; served: boolean }[] = [];
  const refused: string[] = [];
  const warnings: string[] = [];
  const candidate = (nodeId: number): Candidate => ({
    name: `node ${nodeId}`,
    nodeId,
    dial(service: string, attributes: Attributes, signal: AbortSignal) {
      dials.push({ nodeId, atMs: clock.monotonicMs() });
      const state = down.get(nodeId);
      if (state instanceof Error) return Promise.reject(state);
      if (state === "refuses") return Promise.reject(new NetworkError({ kind: "refused", message: "nothing listens there" }));
      if (state === "silent") return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return Promise.resolve(createSessionPair(service, attributes, {}, { dialling: "broker", accepting: `node ${nodeId}` })[0]);
    },
  });
  const redial = new Redial({
    clock,
    logger: { ...silentLogger, warn: (_: object, text: string) => void warnings.push(text) },
    service: "s",
    candidates: () => [candidate(1), candidate(2), candidate(3)],
    attributes: () => ({}),
    async serve(session, nodeId) {
      const entry = { nodeId, session, served: true };
      open.push(entry);
      await session.closed;
      open.splice(open.indexOf(entry), 1);
      return entry.served;
    },
    onRefused: (error) => refused.push(error.message),
  });
  redial.start();
  return { clock, redial, dials, down, open, refused, warnings, asked: () => open.map(({ nodeId }) => nodeId) };
}

test("a controller that goes is replaced by the next one at once", async () => {
  const { clock, redial, down, open, asked } = setUp();
  await clock.advance(1);
  expect(asked()).toEqual([1]);
  down.set(1, "refuses").set(2, "refuses");
  open[0]?.session.close();
  await clock.advance(1);
  expect(asked()).toEqual([3]);
  await redial.close();
});

test("when none is there all are tried again after 20 ms, then ever later, at most after 500 ms", async () => {
  const { clock, redial, dials } = setUp([
    ["refuses", 1],
    ["refuses", 2],
    ["refuses", 3],
  ]);
  await clock.advance(3000);
  const rounds = dials.filter(({ nodeId }) => nodeId === 1).map(({ atMs }) => atMs);
  expect(rounds.slice(0, 8)).toEqual([0, 20, 60, 140, 300, 620, 1120, 1620]);
  expect(redial.failures).toEqual(["node 1: nothing listens there", "node 2: nothing listens there", "node 3: nothing listens there"]);
  await redial.close();
});

test("the leader that the metadata name is asked at once, even while another one is being dialled that says nothing", async () => {
  const { clock, redial, asked } = setUp([["silent", 1]]);
  await clock.advance(100);
  redial.prefer(3);
  await clock.advance(1);
  expect(asked()).toEqual([3]);
  redial.prefer(3);
  await clock.advance(1);
  expect(asked()).toEqual([3]);
  redial.prefer(2);
  await clock.advance(1);
  expect(asked()).toEqual([2]);
  await redial.close();
});

test("a controller that accepts and says nothing costs one second, once a round", async () => {
  const { clock, redial, dials, asked } = setUp([["silent", 1]]);
  await clock.advance(999);
  expect(dials.length).toBe(1);
  await clock.advance(1);
  expect(asked()).toEqual([2]);
  await redial.close();
});

test("controllers that send each other's brokers around are not dialled without a pause", async () => {
  const { clock, redial, open, dials } = setUp([["refuses", 3]]);
  for (let turn = 0; turn < 200; turn++) {
    for (const entry of open) {
      // Both still believe in a leader that is gone.
      entry.served = false;
      redial.redirect(3);
      entry.session.close();
    }
    await clock.advance(5);
  }
  expect(dials.length).toBeLessThan(30);
  await redial.close();
});

test("a broker that every controller refuses for good says so, one that a single wrong address refuses does not", async () => {
  const other = new NetworkError({ kind: "rejected", code: "INCONSISTENT_CLUSTER_ID", message: "another cluster" });
  const { clock, redial, down, refused, warnings } = setUp([
    [other, 1],
    [other, 2],
    ["refuses", 3],
  ]);
  await clock.advance(1000);
  expect(refused).toEqual([]);
  down.set(3, other);
  await clock.advance(1000);
  expect(refused[0]).toBe("another cluster");
  // Once for each that says it, however often it does.
  expect(warnings).toEqual(Array.from({ length: 3 }, () => "A session with a controller failed: another cluster"));
  await redial.close();
});
