import type { Ottla, TopicPartition } from "@ottla/client";
import type { Position } from "./position.ts";

/** Up to where each partition is read, and which have got there. */
export class Ends {
  readonly #open: Map<string, number>;

  constructor(ends: readonly (TopicPartition & { offset: number })[]) {
    this.#open = new Map(ends.map((end) => [key(end), end.offset]));
  }

  get finished(): boolean {
    return this.#open.size === 0;
  }

  /** The first offset not to read; 0 once the partition has finished. */
  of(partition: TopicPartition): number {
    return this.#open.get(key(partition)) ?? 0;
  }

  reached(partition: TopicPartition, next: number): void {
    if (next >= this.of(partition)) this.finish(partition);
  }

  finish(partition: TopicPartition): void {
    this.#open.delete(key(partition));
  }
}

function key({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

export async function endsOf(ottla: Ottla, partitions: readonly TopicPartition[], to: Position, signal: AbortSignal): Promise<Ends> {
  const latest = await ottla.admin().listOffsets(
    partitions.map((one) => ({ ...one, at: "latest" as const })),
    { signal },
  );
  if (to.kind === "end") return new Ends(latest);
  if (to.kind === "offset") return new Ends(latest.map((end) => ({ ...end, offset: Math.min(end.offset, to.offset) })));
  if (to.kind === "last") return new Ends(latest.map((end) => ({ ...end, offset: Math.max(0, end.offset - to.count) })));
  if (to.kind === "beginning") return new Ends([]);
  const found = await ottla.admin().listOffsets(
    partitions.map((one) => ({ ...one, at: to.timestamp })),
    { signal },
  );
  return new Ends(latest.map((end, at) => ({ ...end, offset: offsetOr(found[at]?.offset, end.offset) })));
}

/** The offset where reading begins in each partition, in the order of `partitions`.
 * @param say told of each partition that does not hold the offset asked for */
export async function startsOf(
  ottla: Ottla,
  partitions: readonly TopicPartition[],
  from: Position,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<number[]> {
  const admin = ottla.admin();
  const list = async (at: "earliest" | "latest" | number): Promise<number[]> =>
    (
      await admin.listOffsets(
        partitions.map((one) => ({ ...one, at })),
        { signal },
      )
    ).map(({ offset }) => offset);
  switch (from.kind) {
    case "beginning":
      return list("earliest");
    case "end":
      return list("latest");
    case "offset": {
      const [starts, ends] = await Promise.all([list("earliest"), list("latest")]);
      return partitions.map(({ topic, partition }, at) => {
        const [start, end] = [starts[at] ?? 0, ends[at] ?? 0];
        const began = Math.min(Math.max(from.offset, start), end);
        if (from.offset > end)
          say(`Partition ${topic}/${partition} ends at ${end}, before --from ${from.offset}; it is read from its end on`);
        if (from.offset < start)
          say(`Partition ${topic}/${partition} begins at ${start}, behind --from ${from.offset}; it is read from there on`);
        return began;
      });
    }
    case "last": {
      const [starts, ends] = await Promise.all([list("earliest"), list("latest")]);
      return ends.map((end, at) => Math.max(starts[at] ?? 0, end - from.count));
    }
    case "time": {
      const [found, ends] = await Promise.all([list(from.timestamp), list("latest")]);
      return found.map((offset, at) => offsetOr(offset, ends[at] ?? 0));
    }
  }
}

/** A time behind the last record has no offset. */
function offsetOr(offset: number | undefined, end: number): number {
  return offset === undefined || offset < 0 ? end : offset;
}
