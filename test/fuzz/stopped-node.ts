import { type Disk, memoryHost, type MemoryHost, silentLogger } from "@ottla/host";
import { Node } from "@ottla/node";
import { batches, encodeBatchSync } from "@ottla/protocol";
import { callFrame, fetchFrame, produceFrame, WireClient } from "../door/wire.ts";

const door = { host: "node", port: 9093 };
const settings = {
  "data.dir": "/ottla",
  "grpc.listeners": `${door.host}:${door.port}`,
  "http.listeners": "",
  "log.segment.bytes": 1024,
  "log.index.interval.bytes": 256,
  "controller.log.checkpoint.records": 12,
};
/** Too small for the files that a log directory keeps in reserve, which would have to be copied for every case. */
const capacityBytes = 14 << 20;
/** Virtual time that a start or a reading may take; more means that something hangs. */
const patienceMs = 120_000;
const topic = "orders";
const partitions = 2;
const batchesEach = 12;
const group = "billing";

/** The disk of a node that is not running, and what was acknowledged before it stopped. */
export interface StoppedNode {
  /** A machine with a copy of the disk. */
  boot(seed: number): MemoryHost;
  /** By partition: the batches as they were sent, without what the broker writes into them. */
  readonly acknowledged: readonly Uint8Array[][];
  readonly committedOffset: number;
  readonly topicId: Uint8Array;
}

/** A node with some of everything, ended in order or killed. */
export async function stoppedNode(end: "closed" | "killed"): Promise<StoppedNode> {
  const machine = memoryHost({ seed: 1, hostName: "node", capacityBytes });
  const acknowledged: Uint8Array[][] = Array.from({ length: partitions }, () => []);
  const node = await machine.clock.run(startNode(machine), patienceMs);
  const load = async (): Promise<Uint8Array> => {
    const client = clientOf(machine);
    const topicId = await client.createTopic(topic, partitions, { "retention.ms": "-1" });
    await using wire = await client.produce();
    for (let number = 0; number < batchesEach * partitions; number++) {
      const partition = number % partitions;
      const records = encodeBatchSync(
        [{ key: Buffer.from(`key ${number}`), value: Buffer.from(`record ${number} `.repeat(8)), timestamp: 1_767_225_600_000 + number }],
        {
          producerId: 1000,
          producerEpoch: 0,
          baseSequence: Math.floor(number / partitions),
        },
      );
      acknowledged[partition]?.push(records.slice());
      const { partitions: answers } = await wire.ask(produceFrame(wire, [{ topicId, partition, records }]));
      if (answers[0]?.errorCode !== 0) throw new Error(`Refused: ${answers[0]?.errorMessage}`);
    }
    await using calls = await client.call();
    const offsets = [{ topicId, partition: 0, offset: 5, leaderEpoch: -1, metadata: "" }];
    await calls.ask(callFrame(calls, { case: "commitOffsets", value: { group, offsets } }));
    for (let at = 0; at < 20; at++) await client.createTopic(`other-${at}`);
    return topicId;
  };
  const topicId = await machine.clock.run(load(), patienceMs);
  if (end === "closed") await machine.clock.run(node.close(), patienceMs);
  const image = machine.image();
  machine.crash();
  return { boot: (seed) => image.boot({ keep: "all", seed }), acknowledged, committedOffset: 5, topicId };
}

export function startNode(machine: MemoryHost): Promise<Node> {
  return Node.start({ config: settings, host: machine, logger: silentLogger });
}

function clientOf(machine: MemoryHost): WireClient {
  return new WireClient(memoryHost({ seed: 7, beside: machine, hostName: "client" }).network, door);
}

/** What a started node serves. */
export interface Served {
  /** By partition and offset: the batch there, or the text of the error. */
  readonly partitions: readonly (readonly (Uint8Array | string)[])[];
  readonly committedOffset: number;
}

export async function readAll(machine: MemoryHost, stopped: StoppedNode): Promise<Served> {
  const client = clientOf(machine);
  const { topicId } = stopped;
  await using wire = await client.fetch();
  const served: (Uint8Array | string)[][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const found: (Uint8Array | string)[] = [];
    for (let offset = 0; offset < batchesEach; offset++) {
      const { partitions: answers, errorMessage } = await wire.ask(fetchFrame(wire, [{ topicId, partition, offset, maxBytes: 1 }]));
      const answer = answers[0];
      if (answer === undefined) throw new Error(`No answer for offset ${offset}: ${errorMessage}`);
      const first = [...batches(answer.records)][0];
      found.push(answer.errorCode !== 0 ? answer.errorMessage : (first?.bytes ?? "nothing"));
    }
    served.push(found);
  }
  await using calls = await client.call();
  const { answer } = await calls.ask(callFrame(calls, { case: "fetchOffsets", value: { group, partitions: [{ topicId, partition: 0 }] } }));
  return { partitions: served, committedOffset: answer.case === "fetchOffsets" ? (answer.value.offsets[0]?.offset ?? -1) : -2 };
}

/** Every file below the data directory. */
export async function filesOf(disk: Disk, directory = settings["data.dir"]): Promise<string[]> {
  const files: string[] = [];
  for (const name of await disk.list(directory)) {
    const path = `${directory}/${name}`;
    const below = await disk.list(path).catch(() => null);
    if (below === null) files.push(path);
    else files.push(...(await filesOf(disk, path)));
  }
  return files;
}

export async function contentOf(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, "read");
  const bytes = new Uint8Array(await file.size());
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}

export async function replace(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, "write");
  await file.truncate(0);
  await file.write([bytes], 0);
  await file.sync();
  await file.close();
}
