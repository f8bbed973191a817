import { Ottla } from "@ottla/client";
import type { Host } from "@ottla/host";
import type { Cluster } from "./cluster/cluster.ts";
import { GRPC_PORT } from "./cluster/settings.ts";
import { check } from "./history/check.ts";
import { withoutGivenUp } from "./history/given-up.ts";
import type { Anomaly, Drain, Dump, Event } from "./history/history.ts";
import type { Recorder } from "./history/recorder.ts";
import type { Invariants } from "./invariants/invariants.ts";
import type { Trace } from "./trace.ts";

export interface JudgedHistory {
  readonly events: readonly Event[];
  readonly drains: readonly Drain[];
  readonly dumps: readonly Dump[];
}

export interface JudgeOptions {
  readonly cluster: Cluster;
  readonly recorder: Recorder;
  readonly invariants: Invariants;
  readonly trace: Trace;
  readonly topic: string;
  readonly partitions: number;
  /** Acknowledgements may come before a sync, so that an election may have to give records up. */
  readonly mayGiveUp: boolean;
}

/** Reads everything once all is quiet and checks the whole history. */
export async function judge(options: JudgeOptions): Promise<{ history: JudgedHistory; anomalies: Anomaly[] }> {
  const { recorder, invariants, mayGiveUp } = options;
  const ottla = connect(options.cluster, options.trace, "judge");
  try {
    const drains = await drain(ottla, options);
    const given = invariants.losses.map(({ log, ...rest }) => ({ ...rest, partition: recorder.numberOf(invariants.nameOf(log)) }));
    const events = withoutGivenUp(recorder.events, mayGiveUp ? given : []);
    const history = { events, drains, dumps: dumpsOf(options) };
    const named = (text: string): string => text.replaceAll(/\b(\d+)@/g, (_, number: string) => `${recorder.nameOf(Number(number))}@`);
    return { history, anomalies: check(events, drains, history.dumps).map(({ kind, text }) => ({ kind, text: named(text) })) };
  } finally {
    await ottla.close();
  }
}

/** Asks those that remain: a former leader that only nodes cannot reach goes on telling programs what it knows. */
export function connect(cluster: Cluster, trace: Trace, clientId: string): Ottla {
  const host: Host | undefined = cluster.clients[0];
  if (host === undefined) throw new Error("A cluster without programs cannot be looked at");
  return new Ottla({
    host,
    bootstrap: cluster.remaining.map(({ hostName }) => `${hostName}:${GRPC_PORT}`),
    clientId,
    logger: trace.logger(clientId),
  });
}

/** What every replica's files hold, below what it says is committed. */
function dumpsOf({ cluster, recorder, mayGiveUp }: JudgeOptions): Dump[] {
  // One that is gone has not heard of records that the others gave up since.
  const asked = cluster.everyone.filter(({ gone }) => !(gone && mayGiveUp));
  return asked.flatMap(({ hostName, logs, broker }) =>
    [...(broker?.inspect().replicas ?? [])].map(({ topicId, index, topicName, highWatermark }) => ({
      node: hostName,
      partition: recorder.partition(topicName, index),
      highWatermark,
      batches: (logs.logs.get(`${topicId}-${index}`)?.batches ?? []).map(({ baseOffset, lastOffset, crc, leaderEpoch }) => ({
        baseOffset,
        lastOffset,
        hash: `${leaderEpoch}:${crc.toString(16)}`,
      })),
    })),
  );
}

async function drain(ottla: Ottla, { recorder, topic, partitions: count }: JudgeOptions): Promise<Drain[]> {
  const admin = ottla.admin();
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
  const [starts, ends] = await Promise.all([
    admin.listOffsets(partitions.map((one) => ({ ...one, at: "earliest" as const }))),
    admin.listOffsets(partitions.map((one) => ({ ...one, at: "latest" as const }))),
  ]);
  const records = partitions.map((): { offset: number; value: string }[] => []);
  await using consumer = ottla.consumer({ assign: [{ topic, offset: "beginning" }], until: "end" });
  for await (const batch of consumer.batches())
    for (const { offset, value } of batch.records)
      records[batch.partition]?.push({ offset, value: value === null ? "" : Buffer.from(value).toString() });
  return partitions.map(({ partition }, at) => ({
    partition: recorder.partition(topic, partition),
    startOffset: starts[at]?.offset ?? -1,
    endOffset: ends[at]?.offset ?? -1,
    records: records[at] ?? [],
  }));
}
