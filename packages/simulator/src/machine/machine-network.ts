import type {
  Address,
  Attributes,
  DialOptions,
  Frame,
  Listener,
  ListenOptions,
  MemoryNetwork,
  Network,
  Service,
  Session,
} from "@ottla/host";

/** Hears of every frame as it is sent. */
export type NetworkWitness = (from: string, to: string, service: string, bytes: number, frame: Frame) => void;

/** A machine's network, listened to. */
export class MachineNetwork implements Network {
  readonly #network: MemoryNetwork;
  readonly #witness: NetworkWitness;
  readonly #onNews: () => void;

  /** @param onNews called when something comes from the network: a frame, the end of a session, room for more frames */
  constructor(network: MemoryNetwork, witness: NetworkWitness, onNews: () => void = () => {}) {
    this.#network = network;
    this.#witness = witness;
    this.#onNews = onNews;
  }

  get hostName(): string {
    return this.#network.hostName;
  }

  async dial(peer: Address, service: string, options: DialOptions): Promise<Session> {
    try {
      return this.#tapped(await this.#network.dial(peer, service, options));
    } finally {
      this.#onNews();
    }
  }

  probe(peer: Address, signal: AbortSignal): Promise<void> {
    return this.#network.probe(peer, signal);
  }

  listen(at: Address, services: readonly Service[], options: ListenOptions): Promise<Listener> {
    const tapped = services.map(({ name, accept }): Service => ({
      name,
      accept: (session: Session): Attributes => accept(this.#tapped(session)),
    }));
    return this.#network.listen(at, tapped, options);
  }

  listenFramed(...at: Parameters<Network["listenFramed"]>): Promise<Listener> {
    return this.#network.listenFramed(...at);
  }

  close(): Promise<void> {
    return this.#network.close();
  }

  #tapped(session: Session): Session {
    const from = this.#network.hostName;
    const witness = this.#witness;
    const onNews = this.#onNews;
    onNews();
    void session.closed.then(onNews);
    return {
      service: session.service,
      peer: session.peer,
      get attributes() {
        return session.attributes;
      },
      frames: heard(session.frames, onNews),
      closed: session.closed,
      send(frame) {
        let bytes = 0;
        for (const part of frame) bytes += part.byteLength;
        witness(from, session.peer, session.service, bytes, frame);
        const sent = session.send(frame);
        sent.then(onNews, onNews);
        return sent;
      },
      close: (reason) => session.close(reason),
    };
  }
}

function heard(frames: Session["frames"], onNews: () => void): Session["frames"] {
  return {
    [Symbol.asyncIterator]() {
      const iterator = frames[Symbol.asyncIterator]();
      const told = <T>(result: T): T => {
        onNews();
        return result;
      };
      return {
        next: () => iterator.next().then(told),
        return: () => iterator.return?.() ?? Promise.resolve({ done: true, value: undefined }),
      };
    },
  };
}
