/** The first error that a part of the node cannot live with. */
export class FatalSignal {
  readonly #first: Promise<Error>;
  #raise: (error: Error) => void = () => {};

  constructor() {
    this.#first = new Promise((resolve) => (this.#raise = resolve));
  }

  readonly raise = (error: Error): void => this.#raise(error);

  onRaise(react: (error: Error) => void): void {
    void this.#first.then(react);
  }

  /** Rejects with the fatal error if that comes before `work` is done. */
  during<T>(work: Promise<T>): Promise<T> {
    return Promise.race([
      work,
      this.#first.then((error): never => {
        throw error;
      }),
    ]);
  }
}
