import type { Uuid } from "../ids.ts";

/** Where the type parameters of a {@link Type} are kept: never present at run time. */
declare const read: unique symbol;
declare const written: unique symbol;

/** How values of one kind look on the wire, in every version. `Read` is what decoding yields; `Written` what encoding takes, where
 * fields that have a default may be left out. */
export interface Type<Read, Written = Read> {
  readonly kind: Kind;
  /** From this version on null is allowed; Infinity: never. */
  readonly nullableFrom: number;
  readonly element?: Type<unknown>;
  readonly fields?: Fields;
  readonly [read]?: Read;
  readonly [written]?: Written;
}

export type Kind = ScalarKind | "array" | "struct";
export type ScalarKind =
  | "bool"
  | "int8"
  | "int16"
  | "uint16"
  | "int32"
  | "int64"
  | "saturatingInt64"
  | "float64"
  | "uuid"
  | "string"
  | "bytes"
  | "records";

/** A field that not every version has, or that has a default of its own. */
export interface Field<Read, Written = Read> {
  readonly type: Type<Read, Written>;
  readonly since: number;
  readonly until: number;
  /** Undefined: not a tagged field. */
  readonly tag: number | undefined;
  /** What a version without the field is read as. Undefined: what {@link defaultOf} says of the type. */
  readonly fallback: Read | undefined;
}

export type Fields = { readonly [name: string]: Type<unknown> | Field<unknown> };

const scalar = <T>(kind: ScalarKind): Type<T> => ({ kind, nullableFrom: Infinity });

export const bool = scalar<boolean>("bool");
export const int8 = scalar<number>("int8");
export const int16 = scalar<number>("int16");
export const uint16 = scalar<number>("uint16");
export const int32 = scalar<number>("int32");
/** A safe integer; what is none is malformed. */
export const int64 = scalar<number>("int64");
/** For fields where clients send "as much as there can be": what exceeds the safe integers is read as the nearest of them, and
 * the greatest and least safe integer are written as those of 64 bits. */
export const saturatingInt64 = scalar<number>("saturatingInt64");
export const float64 = scalar<number>("float64");
export const uuid = scalar<Uuid>("uuid");
export const string = scalar<string>("string");
/** A view of the frame. */
export const bytes = scalar<Uint8Array>("bytes");
/** Record batches: a view of the frame. To write them, slices may be given that follow each other. */
export const records: Type<Uint8Array, Uint8Array | readonly Uint8Array[]> = { kind: "records", nullableFrom: Infinity };

export const array = <R, W>(element: Type<R, W>): Type<readonly R[], readonly W[]> => ({ kind: "array", nullableFrom: Infinity, element });

/** The fields in the order in which they travel. */
export const struct = <const F extends Fields>(fields: F): Type<ReadStruct<F>, WrittenStruct<F>> => ({
  kind: "struct",
  nullableFrom: Infinity,
  fields,
});

export const nullable = <R, W>(type: Type<R, W>): Type<R | null, W | null> => nullableSince(0, type);

export const nullableSince = <R, W>(version: number, type: Type<R, W>): Type<R | null, W | null> => ({ ...type, nullableFrom: version });

export const since = <R, W>(version: number, type: Type<R, W>, fallback?: R): Field<R, W> => field(type, version, Infinity, fallback);

export const until = <R, W>(version: number, type: Type<R, W>, fallback?: R): Field<R, W> => field(type, 0, version, fallback);

export const between = <R, W>(from: number, last: number, type: Type<R, W>, fallback?: R): Field<R, W> => field(type, from, last, fallback);

/** Present in every version, but may be left out when writing. */
export const withDefault = <R, W>(type: Type<R, W>, fallback: R): Field<R, W> => field(type, 0, Infinity, fallback);

/** Travels only when it differs from its default, behind the other fields and in flexible versions only. */
export const tagged = <R, W>(tag: number, version: number, type: Type<R, W>, fallback?: R): Field<R, W> => ({
  ...field(type, version, Infinity, fallback),
  tag,
});

function field<R, W>(type: Type<R, W>, from: number, last: number, fallback: R | undefined): Field<R, W> {
  return { type, since: from, until: last, tag: undefined, fallback };
}

/** A tagged field that this schema does not know, kept as it came. */
export interface UnknownTag {
  readonly tag: number;
  readonly bytes: Uint8Array;
}

interface Tags {
  /** Present only when there are any; in ascending order. */
  readonly unknownTags?: readonly UnknownTag[];
}

type ReadOf<F> = F extends Field<infer R, unknown> ? R : F extends Type<infer R, unknown> ? R : never;
type WrittenOf<F> = F extends Field<unknown, infer W> ? W : F extends Type<unknown, infer W> ? W : never;

type ReadStruct<F> = Flat<{ readonly [K in keyof F]: ReadOf<F[K]> } & Tags>;
type WrittenStruct<F> = Flat<
  { readonly [K in keyof F as F[K] extends Field<unknown> ? never : K]: WrittenOf<F[K]> } & {
    readonly [K in keyof F as F[K] extends Field<unknown> ? K : never]?: WrittenOf<F[K]>;
  } & Tags
>;
type Flat<T> = { [K in keyof T]: T[K] };
