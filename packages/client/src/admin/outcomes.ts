import { errorName, errors, ProtocolError } from "@ottla/protocol";
import { AdminError, type Failure } from "../errors.ts";

interface Outcome {
  readonly errorCode: number;
  readonly errorMessage: string;
}

/** Those that went well.
 * @throws AdminError naming the others */
export function succeeded<T extends Outcome>(action: string, outcomes: readonly T[], item: (outcome: T) => string): T[] {
  const failed = outcomes.filter(({ errorCode }) => errorCode !== 0);
  throwIfAny(
    action,
    failed.map((outcome) => {
      const error = errorName(outcome.errorCode);
      return { item: item(outcome), error, message: outcome.errorMessage === "" ? errors[error].meaning : outcome.errorMessage };
    }),
  );
  return [...outcomes];
}

/** @throws AdminError naming each question that has an error for an answer */
export function allAnswered<Q, A>(action: string, answers: ReadonlyMap<Q, A | ProtocolError>, item: (question: Q) => string): Map<Q, A> {
  const good = new Map<Q, A>();
  const failures: Failure[] = [];
  for (const [question, answer] of answers) {
    if (answer instanceof ProtocolError) failures.push({ item: item(question), error: answer.error, message: answer.message });
    else good.set(question, answer);
  }
  throwIfAny(action, failures);
  return good;
}

export function throwIfAny(action: string, failures: readonly Failure[]): void {
  const [first, ...rest] = failures;
  if (first !== undefined) throw new AdminError(action, [first, ...rest]);
}
