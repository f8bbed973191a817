import type { MarkFile } from "./mark-file.ts";
import type { StateJournal } from "./state-journal.ts";

const SUFFIX = ".deleted";

export function removedName(name: string): string {
  return `${name}${SUFFIX}`;
}

/** The log whose directory was renamed to this; null for other entries. */
export function nameOfRemoved(entry: string): string | null {
  return entry.endsWith(SUFFIX) ? entry.slice(0, -SUFFIX.length) : null;
}

/** A removal that a power failure interrupted has left the mark or the state of its log. */
export async function finishRemovals(
  removed: readonly (string | null)[],
  found: ReadonlySet<string>,
  of: { states: StateJournal; marks: MarkFile },
): Promise<void> {
  for (const name of removed) {
    if (name === null || found.has(name)) continue;
    await of.marks.clear(name);
    await of.states.remove(name);
  }
}
