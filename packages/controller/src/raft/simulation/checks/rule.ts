/** @throws Error that begins with the name of the rule */
export function rule(holds: boolean, name: string, text: () => string): asserts holds {
  if (!holds) throw new Error(`${name}: ${text()}`);
}
