/** Where a command writes; a test passes one that collects. */
export interface Terminal {
  /** Whether somebody watches standard error. */
  readonly interactive: boolean;
  /** To standard output; resolves when a slow reader has taken enough, rejects with {@link OutputClosedError} when it has gone. */
  write(text: string | Uint8Array): Promise<void>;
  /** To standard error: words for people, never data. */
  error(text: string): void;
}

/** The reader of standard output went away (`| head`): end quietly. */
export class OutputClosedError extends Error {
  constructor(cause: unknown) {
    super("Standard output was closed", { cause });
    this.name = "OutputClosedError";
  }
}

export function processTerminal(): Terminal {
  let closed: OutputClosedError | undefined;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const go of woken) go();
  };
  process.stdout.on("drain", wake);
  process.stdout.on("close", wake);
  process.stdout.on("error", (error) => {
    closed = new OutputClosedError(error);
    wake();
  });
  return {
    interactive: process.stderr.isTTY,
    async write(text) {
      if (closed) throw closed;
      if (!process.stdout.write(text)) await new Promise<void>((resolve) => waiting.push(resolve));
      if (closed) throw closed;
    },
    error(text) {
      process.stderr.write(text);
    },
  };
}
