import { formatBytes, formatCount } from "./size.ts";
import type { Terminal } from "../terminal.ts";

const showAfterMs = 1_000;
const redrawMs = 200;

/** One line on standard error, only on a terminal, and only for work that takes longer than a second. */
export class Progress implements Disposable {
  readonly #terminal: Terminal;
  readonly #label: string;
  readonly #startedMs = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #records = 0;
  #bytes = 0;
  /** The end, where it is known: then the line has a bar. */
  readonly #total: number | undefined;
  #drawn = false;

  constructor(terminal: Terminal, label: string, totalRecords?: number) {
    this.#terminal = terminal;
    this.#label = label;
    this.#total = totalRecords;
    if (terminal.interactive) this.#timer = setInterval(() => this.#draw(), redrawMs).unref();
  }

  add(records: number, bytes: number): void {
    this.#records += records;
    this.#bytes += bytes;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** Takes the line away: what is written next begins on an empty one. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#drawn) this.#terminal.error("\r\u001b[2K");
    this.#drawn = false;
  }

  [Symbol.dispose](): void {
    this.end();
  }

  #draw(): void {
    if (this.elapsedMs < showAfterMs) return;
    const seconds = this.elapsedMs / 1000;
    const rate = `${formatCount(this.#records / seconds)}/s, ${formatBytes(this.#bytes / seconds)}/s`;
    this.#terminal.error(`\r\u001b[2K${this.#label} ${this.#bar()}${formatCount(this.#records)} records (${rate})`);
    this.#drawn = true;
  }

  #bar(): string {
    if (this.#total === undefined || this.#total === 0) return "";
    const width = 24;
    const done = Math.min(1, this.#records / this.#total);
    const filled = Math.round(done * width);
    return `[${"#".repeat(filled)}${"-".repeat(width - filled)}] ${Math.floor(done * 100)} % `;
  }
}
