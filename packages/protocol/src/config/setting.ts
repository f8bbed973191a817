/** Kafka's numbers for the type of a value in DescribeConfigs. */
export const valueTypes = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const;

export type Warn = (text: string) => void;

/** One row of a configuration schema: from it come the type, the checks, DescribeConfigs and the reference. */
export interface Setting<T> {
  readonly type: keyof typeof valueTypes;
  readonly default: T;
  /** In place of the default in the reference, where the default depends on other settings. */
  readonly defaultText?: string;
  /** Completes "must be …". */
  readonly allowed: string;
  readonly doc: string;
  /** Coarser settings for the same value, consulted in this order when the setting itself is absent, as Kafka does. */
  readonly coarser?: readonly CoarserSetting[];
  /** @throws BadValue */
  parse(text: string, warn: Warn): T;
  format(value: T): string;
}

export interface CoarserSetting {
  readonly name: string;
  /** What its number is multiplied by. */
  readonly factor: number;
}

export type ValuesOf<S> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** Why a text is no value of a setting; completes "name=value …". */
export class BadValue extends Error {
  override readonly name = "BadValue";
}

/** `logSegmentBytes` → `log.segment.bytes` */
export function dottedName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`);
}
