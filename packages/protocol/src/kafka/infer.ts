import type { Type } from "./schema.ts";

/** What decoding yields: every field, those that the version lacks at their defaults. */
export type Infer<T> = T extends Type<infer Read, unknown> ? Read : never;

/** What encoding takes: fields with a default, or that not every version has, may be left out. */
export type Input<T> = T extends Type<unknown, infer Written> ? Written : never;
