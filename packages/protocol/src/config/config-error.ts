export interface ConfigProblem {
  /** As it was written: `log.segment.bytes`, or the environment variable. */
  readonly name: string;
  readonly value: string;
  /** `server.properties line 3`, `environment variable OTTLA_LOG_SEGMENT_BYTES`, `flag --log.segment.bytes`, `default` */
  readonly source: string;
  /** What is wrong, what is allowed, and the fix. */
  readonly text: string;
}

/** Every problem of a configuration at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ name, value, source, text }) => `${name}=${value} (${source}) ${text}`);
    super(
      problems.length === 1
        ? `Configuration error: ${lines.join("")}`
        : `${problems.length} configuration errors:\n${lines.map((line) => `  ${line}`).join("\n")}`,
    );
    this.problems = problems;
  }
}
