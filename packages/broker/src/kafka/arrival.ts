import type { FramedConnection } from "@ottla/host";

/** A request of which nothing comes for so long is given up. */
const SILENT_MAX_MS = 30_000;
/** So is one that brings less than {@link PROGRESS_BYTES} in so long while others wait for the memory that it holds. */
const HINDERING_MAX_MS = 5_000;
const PROGRESS_BYTES = 65_536;

/** Watches whether the request that is arriving on a connection goes on arriving. */
export class Arrival {
  readonly #connection: FramedConnection;
  #received = 0;
  #receivedAtMs = 0;
  /** When {@link PROGRESS_BYTES} more had come. */
  #mark = 0;
  #markAtMs = 0;
  #arriving = false;

  constructor(connection: FramedConnection) {
    this.#connection = connection;
  }

  /** To be called every second or so.
   * @returns why it should be given up, else null */
  look(nowMs: number, contended: boolean): { readonly bytes: number; readonly received: number; readonly silentMs: number } | null {
    const { arriving } = this.#connection;
    if (arriving === null) {
      this.#arriving = false;
      return null;
    }
    const { bytes, received } = arriving;
    const another = !this.#arriving || received < this.#received;
    this.#arriving = true;
    if (another || received !== this.#received) {
      this.#received = received;
      this.#receivedAtMs = nowMs;
    }
    if (another || received - this.#mark >= PROGRESS_BYTES) {
      this.#mark = received;
      this.#markAtMs = nowMs;
    }
    const silentMs = nowMs - this.#receivedAtMs;
    const hinders = contended && nowMs - this.#markAtMs >= HINDERING_MAX_MS;
    return silentMs >= SILENT_MAX_MS || hinders ? { bytes, received, silentMs } : null;
  }
}
