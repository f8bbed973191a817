import type { Clock, Frame, Logger } from "@ottla/host";

/** Lines kept for the reader of a failing run. */
const KEPT_LINES = 200_000;
const FNV_PRIME = 0x01000193;

/** What happened, as a hash that two runs of one seed must share, and as lines for people. */
export class Trace {
  readonly #clock: Clock;
  readonly #lines: string[] = [];
  readonly #listening: boolean;
  #low = 0x811c9dc5;
  #high = 0x9dc5811c;
  frames = 0;

  /** @param listening keeps lines; without, only the hash is made */
  constructor(clock: Clock, listening: boolean) {
    this.#clock = clock;
    this.#listening = listening;
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, "0") + (this.#low >>> 0).toString(16).padStart(8, "0");
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  frame(from: string, to: string, service: string, frame: Frame): void {
    this.frames += 1;
    this.#text(from);
    this.#text(to);
    this.#text(service);
    this.#number(Math.round(this.#clock.monotonicMs() * 1000));
    for (const part of frame) {
      this.#number(part.byteLength);
      // The middle of a large frame is records, whose heads and ends are seen.
      const step = part.byteLength > 256 ? 7 : 1;
      for (let at = 0; at < part.byteLength; at += step) this.#mix(part[at] ?? 0);
    }
  }

  /** Something of the scenario itself. */
  note(text: string): void {
    this.#number(Math.round(this.#clock.monotonicMs() * 1000));
    this.#text(text);
    this.#line("scenario", text);
  }

  logger(who: string, fields: Record<string, unknown> = {}): Logger {
    const at =
      (level: string) =>
      (more: object, message: string): void => {
        if (this.#listening) this.#line(who, `${level} ${message} ${described({ ...fields, ...more })}`);
      };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (more) => this.logger(who, { ...fields, ...more }),
    };
  }

  #line(who: string, text: string): void {
    if (!this.#listening || this.#lines.length >= KEPT_LINES) return;
    this.#lines.push(`${(this.#clock.monotonicMs() / 1000).toFixed(4).padStart(9)} ${who.padEnd(8)} ${text}`);
  }

  #text(text: string): void {
    for (let at = 0; at < text.length; at += 1) this.#mix(text.charCodeAt(at));
  }

  #number(value: number): void {
    this.#mix(value & 0xffff);
    this.#mix((value >>> 16) & 0xffff);
    this.#mix(Math.floor(value / 2 ** 32));
  }

  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, FNV_PRIME);
    this.#high = Math.imul((this.#high ^ (this.#low >>> 13)) | 0, 0x85ebca6b) ^ value;
  }
}

function described(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${shown(value)}`)
    .join(" ");
}

function shown(value: unknown): string {
  if (value instanceof Error) return withCauses(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** An error with what led to it, in one line. */
export function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} <- ${withCauses(error.cause)}`;
}
