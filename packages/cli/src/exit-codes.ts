/** What the command's exit code says. */
export const exitCodes = {
  ok: 0,
  /** The cluster, or the node, refused or failed. */
  failed: 1,
  /** The command line, or a setting, is wrong: nothing was done. */
  usage: 2,
  /** Ended by SIGINT or SIGTERM, in order. */
  interrupted: 130,
} as const;

/** The command line is wrong: says what, the value and what would be right. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** What was given to read is wrong. What came before it has been done. */
export class InputError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InputError";
  }
}
