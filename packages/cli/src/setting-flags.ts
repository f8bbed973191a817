import { UsageError } from "./exit-codes.ts";

/** `--log-segment-bytes 1024`, `--log-segment-bytes=1024` and `--log.segment.bytes 1024` all mean log.segment.bytes; a flag without a value is "true".
 * @throws UsageError naming what is no flag, or is given twice */
export function settingFlags(args: readonly string[]): Record<string, string> {
  const flags = new Map<string, string>();
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (!arg.startsWith("--") || arg.length === 2)
      throw new UsageError(`"${arg}" is no setting; settings are flags, such as --data-dir ./data`);
    const equals = arg.indexOf("=");
    const name = (equals < 0 ? arg : arg.slice(0, equals)).slice(2).replaceAll("-", ".");
    let value = equals < 0 ? undefined : arg.slice(equals + 1);
    const next = args[at + 1];
    if (value === undefined && next !== undefined && !next.startsWith("--")) {
      value = next;
      at += 1;
    }
    if (flags.has(name)) throw new UsageError(`--${name} is given twice, with "${flags.get(name)}" and "${value ?? "true"}"; name it once`);
    flags.set(name, value ?? "true");
  }
  return Object.fromEntries(flags);
}
