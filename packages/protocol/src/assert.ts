/** For what cannot happen unless the code is wrong: the text carries the numbers.
 * @throws Error "Invariant broken: …" */
export function assert(condition: boolean, text: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${text}`);
}
