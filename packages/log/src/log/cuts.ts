import { ProtocolError } from "@ottla/protocol";
import { assert } from "../assert.ts";
import type { Mark } from "../directory/mark.ts";
import { LogFailedError } from "../errors.ts";
import type { Appender } from "./appender.ts";
import type { LogCore } from "./core.ts";
import type { DamageFate, DamageRange } from "./damage.ts";
import { raiseStart } from "./deletion.ts";
import type { Gap } from "./log-facts.ts";
import { reopen } from "./reopen.ts";
import { reset } from "./reset.ts";
import { retainedFrom } from "./retention.ts";
import { skip } from "./skip.ts";
import { truncate } from "./truncate.ts";

/** Whatever changes a log otherwise than by appending to it: one after the other. */
export class Cuts {
  readonly #core: LogCore;
  readonly #appender: Appender;

  constructor(core: LogCore, appender: Appender) {
    this.#core = core;
    this.#appender = appender;
  }

  truncateTo(offset: number): Promise<void> {
    return this.#cut(`at offset ${offset}`, (core) => {
      if (offset >= core.endOffset) return null;
      assert(offset >= core.startOffset, `cannot cut log ${core.name} at offset ${offset}: it starts at ${core.startOffset}`);
      return () => truncate(core, offset);
    });
  }

  resetTo(offset: number): Promise<void> {
    return this.#cut(`away, to begin anew at offset ${offset}`, (core) => () => reset(core, offset));
  }

  skipTo(gap: Gap): Promise<void> {
    return this.#cut(`off, to go on at offset ${gap.until}`, (core) => {
      assert(gap.from === core.endOffset && gap.until > gap.from, `log ${core.name} ends at ${core.endOffset}, not at ${gap.from}`);
      return () => skip(core, gap);
    });
  }

  async deleteRecordsTo(offset: number): Promise<void> {
    await this.#core.exclusive(async () => {
      const core = this.#core;
      if (offset > core.endOffset) {
        throw new ProtocolError(
          "OFFSET_OUT_OF_RANGE",
          `Cannot delete the records of log ${core.name} up to offset ${offset}: it ends at ${core.endOffset}`,
        );
      }
      if (offset > core.startOffset) await raiseStart(core, offset);
    });
  }

  applyRetention(nowMs: number, upTo: number): Promise<{ deletedSegments: number }> {
    return this.#core.exclusive(async () => {
      const core = this.#core;
      const start = retainedFrom(core, nowMs, Math.min(upTo, core.writtenOffset));
      if (start <= core.startOffset) return { deletedSegments: 0 };
      if (start === core.endOffset && core.failure === null) this.#appender.roll();
      const deleted = await raiseStart(core, start);
      return { deletedSegments: deleted.length };
    });
  }

  roll(): Promise<void> {
    return this.#core.exclusive(async () => {
      if (this.#core.active.sizeBytes > 0) this.#appender.roll();
    });
  }

  reopen(): Promise<void> {
    return this.#core.exclusive(async () => {
      if (this.#core.failure === null) return;
      const { writer } = this.#appender;
      await writer.idle();
      writer.syncer.reset(await reopen(this.#core));
      this.#core.changed();
    });
  }

  /** Gives the ranges that `changes` names another fate, durably. */
  judge(fate: DamageFate, changes: (range: DamageRange) => boolean): Promise<void> {
    return this.#core.exclusive(async () => {
      const core = this.#core;
      if (!core.damage.some(changes)) return;
      core.damage = core.damage.map((range) => (changes(range) ? { ...range, fate } : range));
      await core.saveState();
      core.changed();
    });
  }

  #cut(what: string, prepare: (core: LogCore) => (() => Promise<Mark>) | null): Promise<void> {
    return this.#core.exclusive(async () => {
      const core = this.#core;
      const { writer } = this.#appender;
      const job = prepare(core);
      if (job === null) return;
      if (core.failure !== null) throw core.failure;
      core.cutting = true;
      try {
        await writer.idle();
        if (core.failure !== null) throw core.failure;
        writer.syncer.reset(await job());
      } catch (error) {
        this.#fatal(`Cannot cut log ${core.name} in ${core.path} ${what}`, error);
        throw error;
      } finally {
        core.cutting = false;
      }
    });
  }

  /** Whether it happened is unknown, and a sync that failed cannot be repeated. */
  #fatal(what: string, cause: unknown): void {
    if (this.#core.failure !== null) return;
    const failure = new LogFailedError(`${what}. Restart the node; recovery keeps what was acknowledged`, "SYNC", cause);
    this.#core.fail(failure);
    this.#core.shared.fatal(failure);
  }
}
