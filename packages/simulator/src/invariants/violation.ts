/** An invariant that does not hold: its name, as in R1, P3, S1, and what was seen. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, text: string) {
    super(`${invariant}: ${text}`);
    this.name = "Violation";
    this.invariant = invariant;
  }
}
