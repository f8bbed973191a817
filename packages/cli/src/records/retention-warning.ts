import type { Ottla, OutgoingRecord } from "@ottla/client";
import type { Terminal } from "../terminal.ts";

/** Says once when records are older than the topic keeps them: they would be removed at the next look at retention. */
export class RetentionWarning {
  readonly #ottla: Ottla;
  readonly #topic: string;
  readonly #terminal: Terminal;
  #retentionMs: number | undefined;
  #said = false;

  constructor(ottla: Ottla, topic: string, terminal: Terminal) {
    this.#ottla = ottla;
    this.#topic = topic;
    this.#terminal = terminal;
  }

  async look({ timestamp }: OutgoingRecord): Promise<void> {
    if (this.#said || timestamp === undefined) return;
    this.#retentionMs ??= await this.#fetch();
    const ageMs = Date.now() - timestamp;
    if (this.#retentionMs < 0 || ageMs <= this.#retentionMs) return;
    this.#said = true;
    this.#terminal.error(
      `Warning: records from ${new Date(timestamp).toISOString()} are older than ${this.#topic} keeps them (retention.ms=${this.#retentionMs}) and will soon be removed; ` +
        `to keep them: ottla topic alter ${this.#topic} --set retention.ms=-1\n`,
    );
  }

  async #fetch(): Promise<number> {
    const [described] = await this.#ottla.admin().describeConfigs([{ topic: this.#topic }], { names: ["retention.ms"] });
    const value = described?.configs[0]?.value;
    return typeof value === "string" ? Number(value) : -1;
  }
}
