import { aborted } from "../aborted.ts";
import { acceptSession } from "../accept-session.ts";
import {
  NetworkError,
  type Address,
  type DialOptions,
  type FramedConnection,
  type FramedListenOptions,
  type Listener,
  type ListenOptions,
  type Network,
  type Service,
  type Session,
} from "../network.ts";
import type { ManualClock } from "./manual-clock.ts";
import { MemoryCables, cannotListen, nameOf, rejected } from "./memory-cables.ts";
import { BYTES, MemoryFramedConnection } from "./memory-framed.ts";
import { MemoryLink } from "./memory-link.ts";
import { MemoryListener } from "./memory-listener.ts";
import { MemoryWire, type Trouble } from "./memory-wire.ts";

/** How long the peers of a machine that lost its power take to notice. */
const UNNOTICED_MS = 3000;
const LOOPBACK = new Set(["localhost", "127.0.0.1", "::1", "0.0.0.0", "::"]);

/** The network as one machine sees it. Other machines dial it by its host name. */
export class MemoryNetwork implements Network {
  readonly hostName: string;
  readonly cables: MemoryCables;
  readonly #clock: ManualClock;
  readonly #troubles = new Map<string, Trouble>();
  readonly #wires = new Set<MemoryWire>();
  readonly #links = new Set<MemoryLink>();
  #closed: string | null = null;

  constructor(clock: ManualClock, hostName = "localhost", cables = new MemoryCables()) {
    this.#clock = clock;
    this.hostName = hostName;
    this.cables = cables;
  }

  /** Sets what traffic from here to one machine, or to all, suffers from now on; `{}` ends it. */
  trouble(trouble: Trouble, toHost = "*"): void {
    this.#troubles.set(toHost, trouble);
    for (const wire of this.#wires) wire.release();
  }

  /** Breaks the sessions between here and one machine, or all: both sides see a reset, and what was under way is lost. */
  reset(withHost?: string): void {
    for (const link of this.#links)
      if (withHost === undefined || link.far(this).machine.hostName === withHost) link.breakOff("the connection was reset");
  }

  async dial(peer: Address, service: string, { attributes, maxFrameBytes, signal }: DialOptions): Promise<Session> {
    const name = nameOf(peer);
    const listener = await this.#reach(peer, signal);
    const { machine, options } = listener;
    const offered = listener.services.get(service);
    if (offered === undefined) throw rejected("UNIMPLEMENTED", `there is no ${service} here`);
    if (listener.links.size >= options.maxSessions) {
      throw rejected(
        "RESOURCE_EXHAUSTED",
        `${name} has ${options.maxSessions} sessions, which is its limit; close some or raise max.connections`,
      );
    }
    const link = new MemoryLink(
      service,
      name,
      { machine: this, wire: this.#wireTo(machine.hostName), maxFrameBytes },
      { machine, wire: machine.#wireTo(this.hostName), maxFrameBytes: options.maxFrameBytes },
    );
    const accepting = link.accepting.session;
    accepting.attributes = { ...attributes, ":authority": name };
    const answer = acceptSession(offered, accepting);
    if ("refused" in answer) {
      accepting.end({ kind: "closed-here", message: answer.refused.message });
      throw rejected(answer.refused.code, answer.refused.message);
    }
    link.dialling.session.attributes = answer.attributes;
    listener.links.add(link);
    void accepting.closed.then(() => listener.links.delete(link));
    this.#keep(link);
    machine.#keep(link);
    try {
      await machine.#passage(this.hostName, name, signal);
    } catch (error) {
      link.breakOff("the dialling side gave up");
      throw error;
    }
    return link.dialling.session;
  }

  async probe(peer: Address, signal: AbortSignal): Promise<void> {
    const { machine } = await this.#reach(peer, signal);
    await machine.#passage(this.hostName, nameOf(peer), signal);
  }

  async listen(at: Address, services: readonly Service[], options: ListenOptions): Promise<Listener> {
    if (this.#closed !== null) throw this.#gone();
    if (!LOOPBACK.has(at.host) && at.host !== this.hostName)
      throw cannotListen(at, "unreachable", "EADDRNOTAVAIL", "it is not an address of this machine");
    const { cables } = this;
    if (at.port === 0) while (cables.listeners.has(`${this.hostName}:${cables.nextPort}`)) cables.nextPort += 1;
    const port = at.port === 0 ? cables.nextPort++ : at.port;
    const key = `${this.hostName}:${port}`;
    if (cables.listeners.has(key))
      throw cannotListen(at, "refused", "EADDRINUSE", "the address is in use; stop the process that holds it or choose another port");
    const listener = new MemoryListener({ host: at.host, port }, this, services, options, this.#clock, () => {
      if (cables.listeners.get(key) === listener) cables.listeners.delete(key);
    });
    cables.listeners.set(key, listener);
    return listener;
  }

  async listenFramed(at: Address, accept: (connection: FramedConnection) => void, options: FramedListenOptions): Promise<Listener> {
    let connections = 0;
    const service: Service = {
      name: BYTES,
      accept: (session) => {
        if (connections === options.maxConnections) {
          options.full(session.peer);
          throw rejected("RESOURCE_EXHAUSTED", `${connections} connections are the limit`);
        }
        connections++;
        void session.closed.then(() => connections--);
        accept(new MemoryFramedConnection(session, { host: this.hostName, port: listener.address.port }, options));
        return {};
      },
    };
    const listener = await this.listen(at, [service], { maxFrameBytes: Infinity, maxSessions: Infinity });
    return listener;
  }

  /** A connection to what {@link listenFramed} listens at: each frame of the session is bytes, as many as one likes at a time. */
  dialBytes(peer: Address, signal: AbortSignal): Promise<Session> {
    return this.dial(peer, BYTES, { attributes: {}, maxFrameBytes: Infinity, signal });
  }

  /** Ends the sessions that were dialled here, in order. */
  async close(): Promise<void> {
    this.#closed ??= "this network is closed";
    for (const link of this.#links) if (link.dialling.machine === this) link.dialling.session.close();
  }

  /** The machine is gone: what it held is dead at once, its peers learn of it later. */
  crash(): void {
    this.#vanish("this machine lost its power", () => UNNOTICED_MS);
  }

  /** The process is gone: its connections are reset, as far as the news can travel. */
  kill(): void {
    const cutOff = (link: MemoryLink): boolean => this.#troubleTo(link.far(this).machine.hostName).stalled === true;
    this.#vanish("this process was killed", (link) => (cutOff(link) ? UNNOTICED_MS : 0));
  }

  #vanish(why: string, noticedAfterMs: (link: MemoryLink) => number): void {
    this.#closed = why;
    for (const [key, listener] of this.cables.listeners) if (listener.machine === this) this.cables.listeners.delete(key);
    for (const link of this.#links) {
      const far = link.far(this);
      link.dialling.wire.cut();
      link.accepting.wire.cut();
      for (const end of [link.dialling, link.accepting]) if (end.machine === this) end.session.end({ kind: "reset", message: why });
      if (far.machine === this) continue;
      const afterMs = noticedAfterMs(link);
      if (afterMs === 0) link.breakOff(`${this.hostName} reset the connection`);
      else far.machine.#clock.after(afterMs, () => link.breakOff(`${this.hostName} went silent`));
    }
    this.#links.clear();
  }

  #keep(link: MemoryLink): void {
    this.#links.add(link);
    void Promise.all([link.dialling.session.closed, link.accepting.session.closed]).then(() => {
      this.#links.delete(link);
      this.#wires.delete(link.dialling.wire);
      this.#wires.delete(link.accepting.wire);
    });
  }

  #wireTo(host: string): MemoryWire {
    const wire = new MemoryWire(this.#clock, () => this.#troubleTo(host));
    this.#wires.add(wire);
    return wire;
  }

  #troubleTo(host: string): Trouble {
    return this.#troubles.get(host) ?? this.#troubles.get("*") ?? {};
  }

  /** Finds who listens, after the time that the way there takes. */
  async #reach(peer: Address, signal: AbortSignal): Promise<MemoryListener> {
    const host = LOOPBACK.has(peer.host) ? this.hostName : peer.host;
    await this.#passage(host, nameOf(peer), signal);
    const listener = this.cables.listeners.get(`${host}:${peer.port}`);
    if (listener === undefined || this.#troubleTo(host).refused === true) {
      throw new NetworkError({ kind: "refused", message: `${nameOf(peer)} refuses connections: nothing listens there` });
    }
    return listener;
  }

  async #passage(host: string, peer: string, signal: AbortSignal): Promise<void> {
    if (this.#closed !== null) throw this.#gone();
    const wire = this.#wireTo(host);
    let onAbort: () => void = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        onAbort = () => reject(aborted(peer, signal));
        signal.addEventListener("abort", onAbort, { once: true });
        if (signal.aborted) onAbort();
        else wire.carry(resolve);
      });
    } finally {
      signal.removeEventListener("abort", onAbort);
      wire.cut();
      this.#wires.delete(wire);
    }
    if (signal.aborted) throw aborted(peer, signal);
    if (this.#closed !== null) throw this.#gone();
  }

  #gone(): NetworkError {
    return new NetworkError({ kind: "closed-here", message: this.#closed ?? "this network is closed" });
  }
}
