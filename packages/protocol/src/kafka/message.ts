import { compileRead, type Read } from "./compile/read.ts";
import { compileWrite, type Write } from "./compile/write.ts";
import type { Type } from "./schema.ts";

/** One message in all its versions. The code for a version is made when it is first used. */
export class Message<R, W> {
  readonly type: Type<unknown>;
  readonly #title: string;
  readonly #flexibleFrom: number;
  readonly #reads: (Read<R> | undefined)[] = [];
  readonly #writes: (Write<W> | undefined)[] = [];

  /** @param title for error texts, as in "Produce request" */
  constructor(type: Type<R, W>, title: string, flexibleFrom: number) {
    this.type = type;
    this.#title = title;
    this.#flexibleFrom = flexibleFrom;
  }

  title(version: number): string {
    return `${this.#title} v${version}`;
  }

  read(version: number): Read<R> {
    return (this.#reads[version] ??= compileRead<R>(this.type, version, version >= this.#flexibleFrom));
  }

  write(version: number): Write<W> {
    return (this.#writes[version] ??= compileWrite<W>(this.type, version, version >= this.#flexibleFrom));
  }
}
