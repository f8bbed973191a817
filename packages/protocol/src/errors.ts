import { errors, type ErrorName } from "./error-table.ts";

export interface ProtocolErrorOptions {
  readonly cause?: unknown;
  /** With a produce: the batch is certainly not in the log. */
  readonly notAppended?: boolean;
}

/** An expected failure: made where it is understood, turned into its code at the door. */
export class ProtocolError extends Error {
  readonly error: ErrorName;
  readonly notAppended: boolean;

  constructor(error: ErrorName, message: string, options: ProtocolErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.name = "ProtocolError";
    this.error = error;
    this.notAppended = options.notAppended === true;
  }

  get code(): number {
    return errors[this.error].code;
  }

  get retriable(): boolean {
    return errors[this.error].retriable;
  }
}

const names = new Map(Object.entries(errors).map(([name, row]) => [row.code, name as ErrorName]));

/** The name of a code as it came over the wire; one that is not in the table is UNKNOWN_SERVER_ERROR, as in the Java client. */
export function errorName(code: number): ErrorName {
  return names.get(code) ?? "UNKNOWN_SERVER_ERROR";
}
