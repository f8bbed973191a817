import type { Entry } from "../types.ts";

/** Of a log up to this entry, from that of the log before it. */
export function chain(before: number, entry: Entry): number {
  let hash = Math.imul(before ^ entry.index, 0x9e3779b1) ^ Math.imul(entry.term, 0x85ebca6b);
  for (const byte of entry.data) hash = Math.imul(hash ^ byte, 0x01000193);
  for (const { nodeId, directoryId } of entry.voters ?? []) hash = fold(fold(hash, nodeId), textHash(directoryId));
  return hash >>> 0;
}

export function fold(hash: number, value: number): number {
  return (Math.imul(hash ^ value, 0x9e3779b1) ^ (hash >>> 15)) >>> 0;
}

export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
