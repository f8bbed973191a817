import { check } from "@ottla/simulator";
import type { Journal } from "./journal.ts";
import type { ServedPartition } from "./served.ts";
import type { WrittenLog } from "./written-log.ts";

export interface Finding {
  readonly kind: string;
  readonly text: string;
}

export interface Recovered {
  readonly journal: Journal;
  readonly served: readonly ServedPartition[];
  /** By topic, as described: `name=value`. */
  readonly configs: ReadonlyMap<string, ReadonlySet<string>>;
  readonly written: WrittenLog;
  /** When the power went. */
  readonly moment: number;
}

/** What a recovered node owes and does not have; empty when all is well. */
export function verdict(recovered: Recovered): Finding[] {
  return [
    ...acknowledged(recovered),
    ...topics(recovered),
    ...configs(recovered),
    ...recovered.served.flatMap((partition) => [
      ...prefix(partition, recovered),
      ...sequences(partition),
      ...starts(partition, recovered),
      ...rereads(partition, recovered),
    ]),
  ];
}

/** Everything acknowledged once and in order, and the last committed offset (G1). */
function acknowledged({ journal, served }: Recovered): Finding[] {
  const drains = served.map(({ topic, partition, ...rest }) => ({ ...rest, partition: journal.partitionNumber(topic, partition) }));
  const there = new Set(drains.map(({ partition }) => partition));
  return check(
    journal.events((partition) => there.has(partition)),
    drains,
  ).map(({ kind, text }) => ({ kind, text: named(text, journal) }));
}

/** The checker says `3@17` where a person looks for `orders-2@17`. */
function named(text: string, journal: Journal): string {
  return text.replaceAll(/\b(\d+)@/g, (_, number: string) => `${journal.partitionName(Number(number))}@`);
}

function topics({ journal, served }: Recovered): Finding[] {
  const findings: Finding[] = [];
  const partitions = new Map<string, number>();
  for (const { topic } of served) partitions.set(topic, (partitions.get(topic) ?? 0) + 1);
  const of = (kind: string, topic: string) => journal.changes.filter((change) => change.kind === kind && change.topic === topic);
  const asked = new Set(journal.changes.filter(({ kind }) => kind === "create topic").map(({ topic }) => topic));
  for (const topic of asked) {
    const [created] = of("create topic", topic);
    const [deleted] = of("delete topic", topic);
    const count = partitions.get(topic);
    if (created?.outcome === "ok" && deleted === undefined && count === undefined)
      findings.push({ kind: "lost", text: `Topic ${topic} was created and is not there` });
    if (deleted?.outcome === "ok" && count !== undefined)
      findings.push({ kind: "undeleted", text: `Topic ${topic} was deleted and is there` });
    const least = Math.max(
      created?.number ?? 0,
      ...of("add partitions", topic)
        .filter(({ outcome }) => outcome === "ok")
        .map(({ number }) => number),
    );
    if (count !== undefined && count < least)
      findings.push({ kind: "lost", text: `Topic ${topic} has ${count} partitions, ${least} were acknowledged` });
  }
  for (const topic of partitions.keys())
    if (!asked.has(topic)) findings.push({ kind: "never sent", text: `Topic ${topic} was never created` });
  return findings;
}

function configs({ journal, configs: found }: Recovered): Finding[] {
  const findings: Finding[] = [];
  for (const [topic, values] of found) {
    for (const { kind, topic: of, text, outcome } of journal.changes)
      if (kind === "set config" && of === topic && outcome === "ok" && !values.has(text))
        findings.push({ kind: "lost", text: `Topic ${topic} was set to ${text} and has another value` });
  }
  return findings;
}

/** S2: the log is a prefix of what was written, batch by batch. */
function prefix(
  { topic, topicId, partition, startOffset, endOffset, batches }: ServedPartition,
  { written, moment }: Recovered,
): Finding[] {
  const findings: Finding[] = [];
  const name = `${topic}-${partition}`;
  let next = -1;
  for (const batch of batches) {
    if (next === -1 && (batch.baseOffset > startOffset || batch.lastOffset < startOffset))
      findings.push({
        kind: "S2",
        text: `${name} starts at ${startOffset}, its first batch is ${batch.baseOffset} to ${batch.lastOffset}`,
      });
    if (next !== -1 && batch.baseOffset !== next)
      findings.push({ kind: "S2", text: `${name} goes on at ${batch.baseOffset}, not at ${next}` });
    if (!written.has(`${topicId}-${partition}`, batch, moment))
      findings.push({
        kind: "S2",
        text: `${name} holds a batch at ${batch.baseOffset} to ${batch.lastOffset} that was never written there`,
      });
    next = batch.lastOffset + 1;
  }
  if (next !== -1 && next !== endOffset) findings.push({ kind: "S2", text: `${name} ends at ${endOffset}, its last batch at ${next}` });
  return findings;
}

/** P17: of one producer, in one epoch, each batch continues the one before. */
function sequences({ topic, partition, startOffset, batches }: ServedPartition): Finding[] {
  const findings: Finding[] = [];
  const next = new Map<string, number>();
  for (const { producerId, producerEpoch, baseSequence, lastSequence, baseOffset } of batches) {
    if (producerId < 0) continue;
    const key = `${producerId} ${producerEpoch}`;
    const expected = next.get(key) ?? (startOffset === 0 ? 0 : baseSequence);
    if (baseSequence !== expected)
      findings.push({
        kind: "P17",
        text: `${topic}-${partition}@${baseOffset}: producer ${producerId}, epoch ${producerEpoch} has sequence ${baseSequence}, ${expected} comes next`,
      });
    next.set(key, lastSequence + 1);
  }
  return findings;
}

/** P18: a log start that was seen or acknowledged never falls. */
function starts({ topic, partition, startOffset }: ServedPartition, { journal }: Recovered): Finding[] {
  return journal.changes
    .filter(
      (change) =>
        (change.kind === "delete records" || change.kind === "observe start") && change.topic === topic && change.partition === partition,
    )
    .filter(({ outcome, number }) => outcome === "ok" && number > startOffset)
    .map(({ kind, number }) => ({ kind: "P18", text: `${topic}-${partition} starts at ${startOffset}, after "${kind}" said ${number}` }));
}

/** What a former life served is still there: nobody may have read what a later crash takes back. */
function rereads({ topic, partition, startOffset, records }: ServedPartition, { journal }: Recovered): Finding[] {
  const number = journal.partitionNumber(topic, partition);
  const values = new Map(records.map(({ offset, value }) => [offset, value]));
  return journal.reads
    .filter((read) => read.partition === number && read.offset >= startOffset && values.get(read.offset) !== read.value)
    .map(({ reader, offset, value }) => ({
      kind: "unread",
      text: `${topic}-${partition}@${offset} was served to ${reader} as ${value} and is not there`,
    }));
}
