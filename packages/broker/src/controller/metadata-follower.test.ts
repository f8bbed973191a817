import { createSessionPair, memoryHost, silentLogger } from "@ottla/host";
import { ClusterImage } from "@ottla/metadata";
import { pb, services } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Timeouts } from "../timeouts.ts";
import { AppliedIndex } from "./applied-index.ts";
import { MetadataFollower } from "./metadata-follower.ts";

test("of an image that comes in parts nothing is said to be applied before the last", async () => {
  const { clock } = memoryHost();
  const applied = new AppliedIndex(new Timeouts(clock), () => {});
  const image = new ClusterImage();
  const [dialled, source] = createSessionPair(services.metadata, {}, {}, { dialling: "broker", accepting: "controller" });
  const fatal: Error[] = [];
  const follower = new MetadataFollower({
    clock,
    logger: silentLogger,
    image,
    applied,
    attributes: () => ({}),
    candidates: () => [{ name: "node 1", nodeId: 1, dial: () => Promise.resolve(dialled) }],
    onLeader: () => {},
    onRefused: (error) => fatal.push(error),
    follow: () => Promise.resolve(),
    onFatal: (error) => fatal.push(error),
  });
  follower.start();
  const send = async (part: number, complete: boolean, record: pb.MetadataRecord["record"]): Promise<void> => {
    await source.send([
      pb.MetadataDelta.encode({ snapshot: true, complete, part, index: 9, term: 1, controllerId: 1, records: [{ record }] }),
    ]);
    await clock.advance(10);
  };
  await send(0, false, { case: "cluster", value: { clusterId: "c", voters: [] } });
  expect(applied.value).toBe(0);
  await send(1, true, { case: "topic", value: { topicId: new Uint8Array(16).fill(1), name: "orders" } });
  expect(applied.value).toBe(9);
  expect(image.topicByName("orders")).toBeDefined();
  await clock.run(follower.close());
  expect(fatal).toEqual([]);
});
