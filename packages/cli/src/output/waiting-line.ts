import type { Terminal } from "../terminal.ts";

/** What a long wait is at: one line that is drawn anew on a terminal, a line for each change elsewhere. */
export class WaitingLine implements Disposable {
  readonly #terminal: Terminal;
  #last = "";

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(text: string): void {
    if (text === this.#last) return;
    this.#last = text;
    this.#terminal.error(this.#terminal.interactive ? `\r\u001b[2K${text}` : `${text}\n`);
  }

  [Symbol.dispose](): void {
    if (this.#terminal.interactive && this.#last !== "") this.#terminal.error("\r\u001b[2K");
  }
}
