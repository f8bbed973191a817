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

  constructor(network: MemoryNetwork, witness: NetworkWitness) {
    this.#network = network;
    this.#witness = witness;
  }

  get hostName(): string {
    return this.#network.hostName;
  }

  async dial(peer: Address, service: string, options: DialOptions): Promise<Session> {
    return this.#tapped(await this.#network.dial(peer, service, options));
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

  close(): Promise<void> {
    return this.#network.close();
  }

  #tapped(session: Session): Session {
    const from = this.#network.hostName;
    const witness = this.#witness;
    return {
      service: session.service,
      peer: session.peer,
      get attributes() {
        return session.attributes;
      },
      frames: session.frames,
      closed: session.closed,
      send(frame) {
        let bytes = 0;
        for (const part of frame) bytes += part.byteLength;
        witness(from, session.peer, session.service, bytes, frame);
        return session.send(frame);
      },
      close: (reason) => session.close(reason),
    };
  }
}
