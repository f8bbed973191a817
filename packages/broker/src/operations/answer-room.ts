import type { ByteBudget } from "../byte-budget.ts";

/** Memory set aside for one answer, in every budget that it counts in. */
export class AnswerRoom {
  static readonly none = new AnswerRoom([]);
  readonly #shares: { readonly budget: ByteBudget; held: number }[];

  private constructor(shares: { budget: ByteBudget; held: number }[]) {
    this.#shares = shares;
  }

  /** For an answer that turns out larger than what was set aside for it. */
  static overdraw(budgets: readonly ByteBudget[], bytes: number): AnswerRoom {
    return new AnswerRoom(budgets.map((budget) => ({ budget, held: budget.overdraw(bytes) })));
  }

  /** Waits, if it must, for one budget after the other, the narrowest first: who waits for his own share must not keep the others from theirs. */
  static take(budgets: readonly ByteBudget[], bytes: number, signal: AbortSignal): AnswerRoom | Promise<AnswerRoom> {
    const room = new AnswerRoom([]);
    for (let i = 0; i < budgets.length; i++) {
      const budget = budgets[i];
      const held = budget?.tryTake(bytes) ?? null;
      if (budget === undefined || held === null) return room.#wait(budgets.slice(i), bytes, signal);
      room.#shares.push({ budget, held });
    }
    return room;
  }

  async #wait(budgets: readonly ByteBudget[], bytes: number, signal: AbortSignal): Promise<AnswerRoom> {
    try {
      for (const budget of budgets) this.#shares.push({ budget, held: await budget.take(bytes, signal) });
      return this;
    } catch (error) {
      this.keep(0);
      throw error;
    }
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
