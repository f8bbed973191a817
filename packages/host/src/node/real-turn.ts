/** Lets everything that is already under way in this process settle: promises, and whatever they lead to. */
export function realTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
