import type { Producer } from "@ottla/client";
import { delay, type Clock } from "@ottla/host";
import type { ObservedClient } from "./observed-client.ts";

export interface LoadSurroundings {
  /** A client program that has just started. */
  connect(): ObservedClient;
  readonly clock: Clock;
  readonly random: (bound: number) => number;
  /** Stops the node in order and starts it again on the same disk. */
  restartNode(): Promise<void>;
}

const settings = { lingerMs: 1, batchBytes: 700, deliveryTimeoutMs: 4_000 };

/** Something of everything that a node writes for its clients, most of it at the same time. Ends when all is answered. */
export async function scriptedLoad({ connect, clock, random, restartNode }: LoadSurroundings): Promise<void> {
  let client = connect();
  let producers = new Map<string, Producer>();
  const employ = (...names: string[]): void => {
    producers = new Map(names.map((name) => [name, client.ottla.producer(settings)]));
  };
  employ("ada", "bob");
  let partitions = 3;
  let committed = 0;

  /** Every producer sends a few records to one topic; several to a partition share a batch. */
  const burst = async (topic: string, count: number): Promise<void> => {
    const sends: Promise<void>[] = [];
    for (const [name, producer] of producers)
      for (let record = 0; record < count; record += 1) {
        const partition = topic === "orders" ? random(partitions) : 0;
        sends.push(client.send(producer, name, topic, partition, 30 + random(110)));
      }
    await Promise.all(sends);
  };
  const commit = async (): Promise<void> => {
    committed += 1 + random(3);
    await client.commit("orders", committed % 2, committed);
    await client.fetchCommitted("orders", committed % 2);
  };
  const rounds = async (count: number): Promise<void> => {
    for (let round = 0; round < count; round += 1) {
      const late = delay(clock, random(3)).then(() => burst("orders", 2));
      await Promise.all([burst("orders", 4 + random(3)), burst("events", 2), commit(), late]);
    }
  };

  await client.createTopic("orders", partitions, {});
  await client.createTopic("events", 1, { "retention.bytes": "2500" });
  await rounds(3);
  await Promise.all([rounds(1), client.deleteRecords("orders", 0, 3 + random(6)), client.alterTopic("orders", "segment.bytes", "1400")]);
  await client.createTopic("scratch", 1, {});
  await Promise.all([rounds(1), burst("scratch", 3)]);
  await Promise.all([rounds(1), burst("scratch", 2), client.deleteTopic("scratch")]);
  await delay(clock, 60);
  await client.observeStart("events", 0);
  await Promise.all([rounds(2), client.addPartitions("orders", 4)]);
  await rounds(1);

  const inFlight = burst("orders", 4);
  await restartNode();
  await Promise.all([inFlight, rounds(1)]);
  await client.ottla.close();

  client = connect();
  employ("cyd", "dee");
  partitions = 4;
  await Promise.all([rounds(2), client.deleteRecords("orders", 1, 4 + random(6)), client.alterTopic("orders", "retention.ms", "86400000")]);
  await client.createTopic("late", 2, {});
  await Promise.all([burst("late", 3), rounds(1), client.deleteRecords("orders", 0, 12 + random(4))]);
  await delay(clock, 60);
  await Promise.all([client.observeStart("events", 0), client.observeStart("orders", 0)]);
  await rounds(2);
  await client.ottla.close();
}

/** New work for a recovered node, by one producer that outlives whatever happens to the node meanwhile. `generation` keeps values unique. */
export async function renewedLoad(client: ObservedClient, generation: string, topics: ReadonlyMap<string, number>): Promise<void> {
  await using producer = client.ottla.producer({ ...settings, deliveryTimeoutMs: 60_000 });
  const wave = async (): Promise<void> => {
    const sends: Promise<void>[] = [];
    for (const [topic, partitions] of topics)
      for (let partition = 0; partition < partitions; partition += 1)
        for (let record = 0; record < 2; record += 1) sends.push(client.send(producer, `renewed-${generation}`, topic, partition, 60));
    await Promise.all(sends);
  };
  await wave();
  if (topics.has("orders")) await client.commit("orders", 0, 1_000);
  await wave();
}
