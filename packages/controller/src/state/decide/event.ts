import type { pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";

type EventKind =
  | "controller"
  | "draining"
  | "elected"
  | "feature"
  | "fenced"
  | "founded"
  | "isr"
  | "reassigned"
  | "registered"
  | "removed"
  | "shutdown"
  | "space"
  | "truncated"
  | "unclean"
  | "unfenced"
  | "voters";

/** What the event is about; nothing named: the cluster. */
interface About {
  readonly nodeId?: number;
  readonly partition?: Pick<pb.PartitionRecord, "topicId" | "partition">;
}

/** Events of one kind about single partitions in one decision; when there are more, one tells of all. Otherwise the loss of one broker would push out
 * everything that led to it. */
const MAX_SINGLE = 10;
const NAMED = 5;

export function writeEvent(draft: Draft, kind: EventKind, about: About, text: string): void {
  draft.write({
    case: "event",
    value: {
      number: draft.state.events.last + 1,
      timeMs: draft.decidedAtMs,
      kind,
      nodeId: about.nodeId ?? -1,
      topicId: about.partition?.topicId ?? new Uint8Array(0),
      partition: about.partition?.partition ?? -1,
      text,
    },
  });
}

export interface PartitionEvent {
  readonly nodeId?: number;
  readonly partition: pb.PartitionRecord;
  /** Made only if it is told. */
  readonly text: () => string;
}

/** @param summary what is said of many at once; their names are added */
export function writePartitionEvents(draft: Draft, kind: EventKind, events: readonly PartitionEvent[], summary: string): void {
  if (events.length <= MAX_SINGLE) {
    for (const { nodeId, partition, text } of events)
      writeEvent(draft, kind, nodeId === undefined ? { partition } : { nodeId, partition }, text());
    return;
  }
  const names = events.slice(0, NAMED).map(({ partition }) => nameOf(draft, partition));
  writeEvent(draft, kind, {}, `${events.length} partitions (${names.join(", ")}, …): ${summary}`);
}

export function nameOf(draft: Draft, partition: pb.PartitionRecord): string {
  return `${draft.state.topics.of(partition).name}-${partition.partition}`;
}
