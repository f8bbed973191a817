import type { ByteBudget } from "../byte-budget.ts";

/** Memory set aside for one answer, in every budget that it counts in. */
export class AnswerRoom {
  static readonly none = new AnswerRoom([]);
  readonly #shares: { readonly budget: ByteBudget; held: number }[];

  private constructor(shares: { budget: ByteBudget; held: number }[]) {
    this.#shares = shares;
  }

  /** Waits for one budget after the other, the narrowest first: who waits for his own share must not keep the others from theirs. */
  static async take(budgets: readonly ByteBudget[], bytes: number, signal: AbortSignal): Promise<AnswerRoom> {
    const room = new AnswerRoom([]);
    try {
      for (const budget of budgets) room.#shares.push({ budget, held: await budget.take(bytes, signal) });
    } catch (error) {
      room.keep(0);
      throw error;
    }
    return room;
  }

  /** Gives back what goes beyond `bytes`. */
  keep(bytes: number): void {
    for (const share of this.#shares) {
      const kept = Math.min(share.held, bytes);
      share.budget.give(share.held - kept);
      share.held = kept;
    }
  }
}
