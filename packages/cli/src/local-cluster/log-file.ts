import { createWriteStream, existsSync, renameSync, statSync, type WriteStream } from "node:fs";

const mostBytes = 16 << 20;

/** What a node writes to standard error, kept beside its data directory: the present file and the one before. */
export class LogFile {
  readonly #path: string;
  #stream: WriteStream;
  #bytes: number;

  constructor(path: string) {
    this.#path = path;
    this.#bytes = existsSync(path) ? statSync(path).size : 0;
    this.#stream = createWriteStream(path, { flags: "a" });
  }

  write(chunk: Uint8Array): void {
    if (this.#bytes > mostBytes) {
      this.#stream.end();
      renameSync(this.#path, `${this.#path}.1`);
      this.#stream = createWriteStream(this.#path, { flags: "a" });
      this.#bytes = 0;
    }
    this.#bytes += chunk.byteLength;
    this.#stream.write(chunk);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(resolve));
  }
}
