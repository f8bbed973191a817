import type { Event } from "./history.ts";

/** Records that an election gave up, which was recorded: from one offset to another, after so many events. */
export interface GivenUp {
  readonly partition: number;
  readonly afterEvents: number;
  readonly fromOffset: number;
  readonly toOffset: number;
}

/** A history as it has to be judged when records were given up, which acknowledging before a sync allows: what programs heard of those
 * records before holds no longer. */
export function withoutGivenUp(events: readonly Event[], given: readonly GivenUp[]): readonly Event[] {
  if (given.length === 0) return events;
  const begun = given.map(({ afterEvents }) => new Set(events.slice(0, afterEvents).map(assignmentOf)));
  return events.flatMap((event, number) => {
    const judged = given.reduce<Event | null>(
      (left, one, at) =>
        left === null ? null : without(left, one, number < one.afterEvents, begun[at]?.has(assignmentOf(event)) === true),
      event,
    );
    return judged === null ? [] : [judged];
  });
}

/** @param begun it is a read of somebody who had begun before: what comes next may be from before, and goes on wherever it is told to */
function without(event: Event, { partition, fromOffset, toOffset }: GivenUp, before: boolean, begun: boolean): Event | null {
  if (!("partition" in event) || event.partition !== partition) return event;
  switch (event.kind) {
    case "send":
      if (!before || event.outcome !== "ok" || event.offset < fromOffset || event.offset >= toOffset) return event;
      return { ...event, outcome: "unknown", offset: -1, completedMs: Number.POSITIVE_INFINITY };
    case "read":
      return (before ? event.offset >= fromOffset : begun) ? null : event;
    case "latest":
      return before && event.offset > fromOffset ? null : event;
    default:
      return event;
  }
}

function assignmentOf(event: Event): string {
  return event.kind === "read" ? `${event.reader} ${event.assignment}` : "";
}
