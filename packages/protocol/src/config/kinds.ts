import { BadValue, type CoarserSetting, type Setting } from "./setting.ts";

/** Kafka's largest long. Whatever exceeds 2^53 - 1 means "no limit" and is held as 2^53 - 1. */
const largestLong = 9_223_372_036_854_775_807n;
const largestInt = 2_147_483_647;

interface NumberOptions {
  readonly default: number;
  readonly min?: number;
  readonly max?: number;
  readonly doc: string;
  /** What the smallest value means, such as "no limit". */
  readonly minMeans?: string;
  /** A value inside the range that is refused all the same. */
  readonly except?: number;
  readonly coarser?: readonly CoarserSetting[];
}

export function int(options: NumberOptions): Setting<number> {
  return wholeNumber("int", options, BigInt(options.max ?? largestInt));
}

/** Milliseconds and bytes. */
export function long(options: NumberOptions): Setting<number> {
  return wholeNumber("long", options, options.max === undefined ? largestLong : BigInt(options.max));
}

function wholeNumber(type: "int" | "long", options: NumberOptions, max: bigint): Setting<number> {
  const min = BigInt(options.min ?? 0);
  const { minMeans, except } = options;
  const exception = except === undefined ? "" : ` except ${except}`;
  const allowed = `a whole number from ${min}${minMeans === undefined ? "" : ` (${minMeans})`} to ${max}${exception}`;
  return {
    type,
    default: options.default,
    allowed,
    doc: options.doc,
    ...(options.coarser === undefined ? {} : { coarser: options.coarser }),
    parse(text) {
      const trimmed = text.trim();
      if (!/^[+-]?\d{1,19}$/.test(trimmed)) throw new BadValue(`must be ${allowed}, written in digits without a unit`);
      const value = BigInt(trimmed.replace("+", ""));
      if (value < min || value > max || value === (except === undefined ? undefined : BigInt(except)))
        throw new BadValue(`must be ${allowed}`);
      return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
    },
    format: (value) => (value === Number.MAX_SAFE_INTEGER ? String(largestLong) : String(value)),
  };
}

export function double(options: { default: number; min: number; max: number; doc: string }): Setting<number> {
  const allowed = `a number from ${options.min} to ${options.max}`;
  return {
    type: "double",
    default: options.default,
    allowed,
    doc: options.doc,
    parse(text) {
      const value = text.trim() === "" ? Number.NaN : Number(text);
      if (!(value >= options.min && value <= options.max)) throw new BadValue(`must be ${allowed}`);
      return value;
    },
    format: String,
  };
}

export function bool(options: { default: boolean; doc: string }): Setting<boolean> {
  return {
    type: "boolean",
    default: options.default,
    allowed: "true or false",
    doc: options.doc,
    parse(text) {
      const value = text.trim().toLowerCase();
      if (value !== "true" && value !== "false") throw new BadValue("must be true or false");
      return value === "true";
    },
    format: String,
  };
}

export function string(options: { default: string; allowEmpty: boolean; doc: string }): Setting<string> {
  const allowed = options.allowEmpty ? "a text" : "a text that is not empty";
  return {
    type: "string",
    default: options.default,
    allowed,
    doc: options.doc,
    parse(text) {
      if (text.trim() === "" && !options.allowEmpty) throw new BadValue(`must be ${allowed}`);
      if (text.includes("\0")) throw new BadValue("must not contain a NUL character");
      return text.trim();
    },
    format: (value) => value,
  };
}

export function oneOf<const Values extends readonly [string, ...string[]]>(
  values: Values,
  options: { default: Values[number]; doc: string; refused?: string },
): Setting<Values[number]> {
  const allowed = values.length === 1 ? values[0] : `one of ${values.join(", ")}`;
  return {
    type: "string",
    default: options.default,
    allowed,
    doc: options.doc,
    parse(text) {
      const value = values.find((each) => each === text.trim());
      if (value === undefined) throw new BadValue(`must be ${allowed}${options.refused === undefined ? "" : `: ${options.refused}`}`);
      return value;
    },
    format: (value) => value,
  };
}

/** Texts with commas between them; spaces around each are dropped. */
export function list(options: {
  default: readonly string[];
  defaultText?: string;
  allowed?: string;
  doc: string;
  check?: (items: readonly string[]) => void;
}): Setting<readonly string[]> {
  return {
    type: "list",
    default: options.default,
    ...(options.defaultText === undefined ? {} : { defaultText: options.defaultText }),
    allowed: options.allowed ?? "texts with commas between them",
    doc: options.doc,
    parse(text) {
      const items = splitList(text);
      options.check?.(items);
      return items;
    },
    format: (items) => items.join(","),
  };
}

export function splitList(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
