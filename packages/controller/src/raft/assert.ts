/** What cannot happen, unless this code is wrong. The text gives the numbers. */
export function assert(holds: boolean, text: () => string): asserts holds {
  if (!holds) throw new Error(`Raft invariant broken: ${text()}`);
}
