import type { Address, DialOptions, Listener, ListenOptions, Network, Service, Session } from "../network.ts";

export class MemoryNetwork implements Network {
  dial(peer: Address, service: string, options: DialOptions): Promise<Session> { throw new Error(`${peer.host} ${service} ${options.maxFrameBytes}`); }
  probe(peer: Address, signal: AbortSignal): Promise<void> { throw new Error(`${peer.host} ${signal.aborted}`); }
  listen(at: Address, services: readonly Service[], options: ListenOptions): Promise<Listener> { throw new Error(`${at.host} ${services.length} ${options.maxSessions}`); }
  close(): Promise<void> { throw new Error("not ready"); }
}
