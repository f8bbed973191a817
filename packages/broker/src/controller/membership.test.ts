import { createSessionPair, memoryHost, silentLogger } from "@ottla/host";
import { ClusterImage } from "@ottla/metadata";
import type { pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { startBroker } from "../broker.test.kit.ts";
import { Timeouts } from "../timeouts.ts";
import { AppliedIndex } from "./applied-index.ts";
import { StandInController } from "./controller.test.kit.ts";
import { MetadataFollower } from "./metadata-follower.ts";
import { checkReachability } from "./reachability.ts";
import { Silence } from "./silence.ts";

function broker(nodeId: number, changes: Partial<pb.BrokerRecord> = {}): pb.BrokerRecord {
  const none = new Uint8Array(16);
  const endpoints = [{ listener: "NODE", host: `node-${nodeId}`, port: 9095 }];
  const record = { nodeId, brokerEpoch: 1, incarnation: none, directoryId: none, endpoints, rack: "", fenced: false, shuttingDown: false };
  return { ...record, version: "", metadataVersionMin: 1, metadataVersionMax: 1, draining: false, drainingRate: 0, ...changes };
}

function imageOf(...records: pb.MetadataRecord["record"][]): ClusterImage {
  const image = new ClusterImage();
  const wrapped = records.map((record) => ({ record }));
  image.apply({ snapshot: true, complete: true, part: 0, index: 1, term: 1, controllerId: 1, records: wrapped });
  return image;
}

test("a source of metadata that is more than a second behind the controllers is given up for another one", async () => {
  const { clock } = memoryHost();
  const asked: string[] = [];
  const image = new ClusterImage();
  const source = (name: string, nodeId: number) => ({
    name,
    nodeId,
    dial(service: string) {
      asked.push(name);
      return Promise.resolve(createSessionPair(service, {}, {}, { dialling: "broker", accepting: name })[0]);
    },
  });
  const follower = new MetadataFollower({
    clock,
    logger: silentLogger,
    image,
    applied: new AppliedIndex(new Timeouts(clock), () => {}),
    attributes: () => ({}),
    candidates: () => [source("one", 1), source("two", 2)],
    follow: () => Promise.resolve(),
    onLeader: () => {},
    onRefused: () => {},
    onFatal: () => {},
  });
  follower.start();
  await clock.advance(10);
  follower.committed(5);
  await clock.advance(999);
  expect(asked).toEqual(["one"]);
  await clock.advance(2);
  expect(asked).toEqual(["one", "two"]);
  await clock.run(follower.close());
});

test("a controller that no longer answers heartbeats is left after a second, and the next one is asked", async () => {
  const controller = new StandInController();
  const rig = await startBroker({ controller });
  const { clock } = rig.host;
  expect(controller.sessions.length).toBe(1);
  await clock.advance(10_000);
  expect(controller.sessions.length).toBe(1);
  controller.deaf = true;
  await clock.advance(1600);
  expect(controller.sessions.length).toBeGreaterThan(1);
  await rig.run(rig.broker.shutdown());
});

test("a broker that was fenced after it was ready says that it does not serve, and serves again when it is back", async () => {
  const rig = await startBroker();
  expect(rig.broker.health).toEqual({ live: true, ready: true, reasons: [] });
  rig.controller.setFenced(true);
  await rig.host.clock.advance(1);
  expect(rig.broker.health).toEqual({
    live: true,
    ready: false,
    reasons: ["fenced: the controllers heard nothing of it for too long"],
  });
  rig.controller.setFenced(false);
  await rig.host.clock.advance(1);
  expect(rig.broker.health.ready).toBe(true);
  await rig.run(rig.broker.shutdown());
});

test("time in which this process did not run counts for nobody's silence", async () => {
  const { clock } = memoryHost();
  const silence = new Silence(clock, 500);
  silence.spoken();
  await clock.advance(500);
  expect(silence.exceeded()).toBe(false);
  await clock.advance(60_000);
  expect(silence.exceeded()).toBe(false);
  await clock.advance(500);
  expect(silence.exceeded()).toBe(true);
});

test("a live node that does not answer where it says it is is named, with the setting; a fenced one is not", async () => {
  const host = memoryHost({ hostName: "node-1" });
  const two = memoryHost({ beside: host, hostName: "node-2" });
  await two.network.listen({ host: "node-2", port: 9095 }, [], { maxFrameBytes: 1, maxSessions: 1 });
  const image = imageOf(
    { case: "cluster", value: { clusterId: "c", voters: [] } },
    ...[broker(1), broker(2), broker(3), broker(4, { fenced: true })].map((value) => ({ case: "broker", value }) as const),
  );
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_: object, text: string) => void warnings.push(text) };
  await host.clock.run(checkReachability({ host, logger, nodeId: 1, image }, new AbortController().signal));
  expect(warnings).toEqual([
    expect.stringMatching(
      /^Node 3 does not answer at node-3:9095, .*; set node.advertised.listeners of node 3, or open the way there from node 1$/,
    ),
  ]);
});
