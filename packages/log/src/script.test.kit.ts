import { readBatchHeader } from "@ottla/protocol";
import { expect } from "vitest";
import type { LogDirectory } from "./directory/log-directory.ts";
import type { Log } from "./log/log.ts";
import { batchOf, contentOf, type Rig, settings } from "./rig.test.kit.ts";

interface ModelBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly epoch: number;
  readonly bytes: string;
}

/** What a log must hold, kept beside it: a plain list. */
export class Model {
  batches: ModelBatch[] = [];
  /** Told to be durable: all below survives. */
  durable = 0;
  /** Told to be deleted, and asked to be. */
  startTold = 0;
  startAsked = 0;
  epochTold: { epoch: number; startOffset: number } | null = null;

  get end(): number {
    return this.batches.at(-1)?.nextOffset ?? this.startAsked;
  }

  /** From now on only what ends at or below `offset` must survive; the rest may. */
  mayLoseFrom(offset: number): void {
    const kept = this.batches.filter((batch) => batch.nextOffset <= offset).at(-1)?.nextOffset ?? this.startTold;
    this.durable = Math.min(this.durable, kept);
    if (this.epochTold !== null && this.epochTold.startOffset >= offset) this.epochTold = null;
  }

  cut(offset: number): void {
    this.batches = this.batches.filter((batch) => batch.nextOffset <= offset);
  }
}

export interface Stage {
  readonly rig: Rig;
  readonly model: Model;
  directory: LogDirectory;
  log: Log;
}

export function append(stage: Stage, label: string, count: number, epoch: number, timestamp?: number): void {
  const batch = batchOf(label, count, timestamp === undefined ? { valueBytes: 40 } : { timestamp, valueBytes: 40 });
  const { baseOffset, lastOffset } = stage.log.append(batch, epoch);
  stage.model.batches.push({ baseOffset, nextOffset: lastOffset + 1, epoch, bytes: Buffer.from(batch).toString("latin1") });
}

export async function durable(stage: Stage): Promise<void> {
  await stage.rig.run(stage.log.flush());
  stage.model.durable = Math.max(stage.model.durable, stage.log.endOffset);
}

export async function truncateTo(stage: Stage, offset: number): Promise<void> {
  stage.model.mayLoseFrom(offset);
  await stage.rig.run(stage.log.truncateTo(offset));
  stage.model.cut(offset);
  expect(stage.log.endOffset).toBe(stage.model.end);
}

export async function deleteTo(stage: Stage, offset: number): Promise<void> {
  stage.model.startAsked = offset;
  await stage.rig.run(stage.log.deleteRecordsTo(offset));
  stage.model.startTold = offset;
}

export async function resetTo(stage: Stage, offset: number): Promise<void> {
  stage.model.mayLoseFrom(0);
  stage.model.startAsked = offset;
  await stage.rig.run(stage.log.resetTo(offset));
  Object.assign(stage.model, { batches: [], startTold: offset, durable: offset, epochTold: null });
}

export async function beginEpoch(stage: Stage, epoch: number): Promise<void> {
  const startOffset = stage.log.endOffset;
  await stage.rig.run(stage.log.recordEpochStart(epoch));
  stage.model.epochTold = { epoch, startOffset };
}

/** Segments of a few batches, so that every kind of change comes at every kind of place. */
export const tight = { ...settings, segmentBytes: 700, indexIntervalBytes: 150 };

export async function openStage(rig: Rig, model: Model): Promise<Stage> {
  const directory = await rig.open();
  return { rig, model, directory, log: await rig.openLog(directory, "t-0", tight) };
}

/** S2, S3, P12, P13 and P18 of a log that was opened again, against what had been told before. */
export async function expectRecovered({ rig, model, log }: Stage): Promise<void> {
  expect(log.damaged, "damage where nothing was damaged").toEqual([]);
  expect(log.recovery.damaged).toBe(false);
  expect(log.endOffset, "what was durable is there").toBeGreaterThanOrEqual(Math.max(model.durable, model.startTold));
  expect(log.startOffset, "the start never falls").toBeGreaterThanOrEqual(model.startTold);
  expect(log.startOffset).toBeLessThanOrEqual(Math.max(model.startAsked, model.startTold));
  const content = await contentOf(rig, log);
  const expected = model.batches.filter((batch) => batch.nextOffset > log.startOffset && batch.nextOffset <= log.endOffset);
  expect(content).toEqual(expected.map((batch) => [batch.baseOffset, batch.bytes]));
  if (content.length > 0) expect(expected.at(-1)?.nextOffset, "it ends at the end of a batch").toBe(log.endOffset);
  for (const [offset, bytes] of content)
    expect(log.epochAt(Math.max(offset, log.startOffset))).toBe(readBatchHeader(Buffer.from(bytes, "latin1")).leaderEpoch);
  const told = model.epochTold;
  if (told !== null && told.startOffset >= log.startOffset) expect(log.epochStart(told.epoch)).toBe(told.startOffset);
}

/** Everything that can happen to a log, in a fixed order. */
export async function play(rig: Rig, model: Model): Promise<void> {
  let stage = await openStage(rig, model);
  append(stage, "a", 2, 0);
  await durable(stage);
  append(stage, "b", 3, 0);
  append(stage, "c", 1, 0);
  await durable(stage);
  await beginEpoch(stage, 2);
  for (let at = 0; at < 8; at++) append(stage, `d${at}`, 2, 2);
  await durable(stage);
  await truncateTo(stage, 15);
  append(stage, "e", 2, 3);
  await durable(stage);
  await deleteTo(stage, 4);
  await truncateTo(stage, 9);
  for (let at = 0; at < 6; at++) append(stage, `f${at}`, 3, 4);
  await durable(stage);
  await rig.run(stage.log.roll());
  append(stage, "g", 1, 4);
  await rig.run(stage.log.checkpoint());
  await rig.run(stage.directory.close({ brokerEpoch: 1 }));
  model.durable = stage.log.durableOffset;
  if (!rig.host.crashed) model.cut(stage.log.endOffset);

  stage = await openStage(rig, model);
  await expectRecovered(stage);
  append(stage, "h", 2, 5, 5_000);
  await durable(stage);
  await deleteTo(stage, 12);
  stage.log.configure({ ...tight, retentionBytes: 900 });
  model.startAsked = stage.log.endOffset;
  await rig.run(stage.log.applyRetention(10_000, stage.log.endOffset));
  model.startTold = stage.log.startOffset;
  append(stage, "i", 2, 5);
  await durable(stage);
  await resetTo(stage, stage.log.endOffset + 7);
  for (let at = 0; at < 5; at++) append(stage, `j${at}`, 2, 6);
  await durable(stage);
  await resetTo(stage, stage.log.endOffset - 3);
  append(stage, "k", 2, 7);
  await durable(stage);
  await rig.run(stage.directory.close());
}
