import { createSessionPair, memoryHost, type Session } from "@ottla/host";
import { ClusterImage } from "@ottla/metadata";
import { pb, services } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Decisions } from "../state/decisions.test.kit.ts";
import { isClusterRecord } from "../state/fact.ts";
import { MetadataPublisher } from "./metadata-publisher.ts";

function setUp(): {
  decisions: Decisions;
  publisher: MetadataPublisher;
  commit(): void;
  follow(appliedIndex: number): Promise<{ session: Session; image: ClusterImage; frames: pb.MetadataDelta[] }>;
} {
  const decisions = new Decisions();
  let committed = 1;
  const publisher = new MetadataPublisher(
    () => ({ index: committed, term: 1, controllerId: 1 }),
    () => [...decisions.state.facts()].flatMap(([, fact]) => (isClusterRecord(fact) ? [{ record: fact }] : [])),
  );
  const commit = (): void => {
    for (const draft of decisions.entries.slice(committed)) {
      committed = draft.index;
      publisher.committed(draft.index, draft.records);
    }
    publisher.flush();
  };
  const follow = async (appliedIndex: number) => {
    const [session, accepting] = createSessionPair(services.metadata, {}, {}, { dialling: "broker", accepting: "controller" });
    void publisher.serve(accepting, 1, () => {});
    const image = new ClusterImage();
    const frames: pb.MetadataDelta[] = [];
    void (async () => {
      for await (const frame of session.frames) {
        const message = pb.MetadataDelta.decode(frame);
        frames.push(message);
        image.apply(message);
      }
    })();
    await session.send([pb.MetadataRequest.encode({ appliedIndex })]);
    return { session, image, frames };
  };
  return { decisions, publisher, commit, follow };
}

const text = (image: ClusterImage): string[] =>
  [...image.records()].map((record) => Buffer.from(pb.MetadataRecord.encode(record)).toString("hex")).sort();

test("an image that followed every delta equals one that began with a whole image later", async () => {
  const { host, ...s } = { host: memoryHost(), ...setUp() };
  const early = await s.follow(0);
  await host.clock.advance(1);
  s.decisions.broker(1, 1);
  s.decisions.create({ name: "a", partitions: 3000, configs: [{ name: "retention.ms", value: "1" }] }, { name: "b" });
  s.commit();
  s.decisions.command(1, { case: "deleteTopics", value: { names: ["b"], topicIds: [] } });
  s.decisions.command(1, { case: "allocateProducerIds", value: { count: 1 } });
  s.decisions.broker(1, 2);
  s.commit();
  await host.clock.advance(1);
  const late = await s.follow(0);
  await host.clock.advance(1);
  expect(late.frames.map(({ snapshot, part, complete }) => [snapshot, part, complete])).toEqual([
    [true, 0, false],
    [true, 1, true],
  ]);
  expect(early.image.topicByName("a")?.partitions.length).toBe(3000);
  expect(text(late.image)).toEqual(text(early.image));
  expect(late.image.index).toBe(s.decisions.index);
});

test("who is up to date gets no whole image, and learns within a tick how far the log has come", async () => {
  const { host, ...s } = { host: memoryHost(), ...setUp() };
  const follower = await s.follow(1);
  await host.clock.advance(1);
  expect(follower.frames).toEqual([]);
  s.decisions.broker(1, 1);
  s.commit();
  s.decisions.command(1, { case: "allocateProducerIds", value: { count: 1 } });
  s.commit();
  await host.clock.advance(1);
  expect(follower.frames.map(({ snapshot, index }) => [snapshot, index])).toEqual([[false, 3]]);
  s.publisher.tellIndex();
  await host.clock.advance(1);
  expect(follower.frames.map(({ index, records }) => [index, records.length > 0])).toEqual([
    [3, true],
    [4, false],
  ]);
});

test("a broker that has seen more than this controller gets nothing until the controller has caught up", async () => {
  const { host, ...s } = { host: memoryHost(), ...setUp() };
  const follower = await s.follow(3);
  await host.clock.advance(1);
  s.decisions.entry(() => {});
  s.commit();
  s.publisher.tellIndex();
  await host.clock.advance(1);
  expect(follower.frames).toEqual([]);
  s.decisions.broker(1, 1);
  s.commit();
  await host.clock.advance(1);
  expect(follower.frames.map(({ snapshot, index }) => [snapshot, index])).toEqual([[true, 4]]);
});
