import type { Host, Logger } from "@ottla/host";
import type { Around } from "../state/decide/context.ts";
import type { Former } from "../state/decide/registration.ts";
import type { Draft } from "../state/draft.ts";
import type { Pump } from "../state/pump.ts";
import type { State } from "../state/state.ts";
import { fence, unfence } from "../state/decide/brokers.ts";
import type { BrokerSession } from "./broker-session.ts";
import { Liveness } from "./liveness.ts";
import { acceptsConnections } from "./probe.ts";

/** What a broker without a session, but with a process that accepts connections, has to come back after an election. */
const RETURN_AFTER_ELECTION_MS = 1000;
/** A message of a process that has ended may arrive so late. */
const ON_ITS_WAY_MS = 200;
/** Until the fencing that a full disk did not take is decided again. */
const RETRY_MS = 1000;

/** Decides at the leader which brokers are live: fences those that went silent or away, unfences those that are back. */
export class BrokerWatch {
  readonly #host: Host;
  readonly #state: State;
  readonly #pump: Pump;
  readonly #logger: Logger;
  readonly #around: Around;
  /** Of brokers that were unfenced here, or live when this controller began to lead. */
  readonly #liveSinceMs = new Map<number, number>();
  readonly #liveness: Liveness<BrokerSession>;
  /** When a session first asked for an id that another one has, and when that one spoke last. */
  readonly #askedMs = new WeakMap<BrokerSession, number>();
  readonly #spokeMs = new WeakMap<BrokerSession, number>();
  readonly #onUnfenced: () => void;
  #probes = new AbortController();
  #fencings = 0;

  constructor(o: {
    host: Host;
    state: State;
    pump: Pump;
    logger: Logger;
    around: Around;
    sessionTimeoutMs: number;
    tickMs: number;
    onUnfenced(): void;
  }) {
    this.#host = o.host;
    this.#state = o.state;
    this.#pump = o.pump;
    this.#logger = o.logger;
    this.#around = o.around;
    this.#onUnfenced = o.onUnfenced;
    this.#liveness = new Liveness(o.sessionTimeoutMs, o.tickMs, o.host.clock.monotonicMs());
  }

  /** After an election: brokers that are registered have a little time to open a session here. */
  leading(): void {
    const nowMs = this.#host.clock.monotonicMs();
    this.#liveness.begin(nowMs);
    for (const { nodeId, brokerEpoch, fenced } of this.#state.brokers.all()) {
      if (fenced) continue;
      this.#liveSinceMs.set(nodeId, nowMs);
      this.#liveness.expect(nodeId, brokerEpoch, RETURN_AFTER_ELECTION_MS, nowMs);
      this.#probe(nodeId, brokerEpoch);
    }
  }

  lost(): void {
    this.#probes.abort(new DOMException("Leadership of the controllers was lost", "AbortError"));
    this.#probes = new AbortController();
    this.#liveness.clear();
    this.#liveSinceMs.clear();
  }

  /** Every message of a broker counts as a heartbeat. */
  heard(session: BrokerSession, brokerEpoch: number, appliedIndex: number): void {
    const { nodeId } = session;
    const broker = this.#state.brokers.get(nodeId);
    if (!broker || broker.brokerEpoch !== brokerEpoch) return;
    const former = this.#liveness.sessionOf(nodeId);
    this.#liveness.heard(nodeId, brokerEpoch, session, this.#host.clock.monotonicMs());
    this.#spokeMs.set(session, this.#host.clock.monotonicMs());
    if (former && former !== session) former.close();
    this.applied(nodeId, appliedIndex);
  }

  /** A broker that speaks here has seen the log so far: with its own registration in it, it may serve. */
  applied(nodeId: number, appliedIndex: number): void {
    const broker = this.#state.brokers.get(nodeId);
    if (!broker?.fenced || broker.shuttingDown || appliedIndex < broker.brokerEpoch || !this.isConnected(nodeId)) return;
    const { brokerEpoch } = broker;
    this.#pump.decide((draft) => {
      if (!unfence(draft, this.#around, nodeId, brokerEpoch)) return;
      this.#liveSinceMs.set(nodeId, this.#host.clock.monotonicMs());
      this.#logger.info({ broker: nodeId, brokerEpoch }, "broker is live");
      this.#onUnfenced();
    });
  }

  closed(session: BrokerSession): void {
    const lost = this.#liveness.closed(session);
    if (lost) this.#probe(lost.nodeId, lost.brokerEpoch);
  }

  /** Of the registered incarnation, as this session's asks for its place: after a crash its session may be open for a while, but only a process that lives
   * goes on speaking. */
  formerOf(session: BrokerSession): Former {
    const other = this.#liveness.sessionOf(session.nodeId);
    if (other === null || other === session || !other.open) return "gone";
    const nowMs = this.#host.clock.monotonicMs();
    const askedMs = this.#askedMs.get(session) ?? nowMs;
    this.#askedMs.set(session, askedMs);
    return (this.#spokeMs.get(other) ?? 0) > askedMs + ON_ITS_WAY_MS ? "speaks" : "connected";
  }

  /** How often a broker was fenced by this controller. */
  get fencings(): number {
    return this.#fencings;
  }

  /** Monotonic; null while it is not. */
  liveSinceMs(nodeId: number): number | null {
    return this.#liveSinceMs.get(nodeId) ?? null;
  }

  isConnected(nodeId: number): boolean {
    return this.#liveness.sessionOf(nodeId)?.open === true;
  }

  tick(nowMs: number): void {
    for (const { nodeId, brokerEpoch, session } of this.#liveness.tick(nowMs)) {
      this.#fence(nodeId, brokerEpoch, "it was silent for longer than broker.session.timeout.ms");
      session?.close();
    }
  }

  /** A process that is gone is noticed by its connection, not by a timeout. */
  #probe(nodeId: number, brokerEpoch: number): void {
    const { signal } = this.#probes;
    const address = this.#state.brokers.get(nodeId)?.endpoints.find(({ listener }) => listener === "NODE");
    const gone = (): void => {
      if (signal.aborted || this.isConnected(nodeId)) return;
      this.#liveness.forget(nodeId);
      this.#fence(nodeId, brokerEpoch, "its session ended and it accepts no connection");
    };
    if (!address) return gone();
    void acceptsConnections(this.#host, address, signal).then((accepts) => {
      if (!accepts) gone();
    });
  }

  #fence(nodeId: number, brokerEpoch: number, why: string): void {
    const run = (draft: Draft): void => {
      if (!fence(draft, this.#around, nodeId, brokerEpoch, why)) return;
      this.#fencings++;
      this.#liveSinceMs.delete(nodeId);
      this.#logger.warn({ broker: nodeId, brokerEpoch, why }, "broker is fenced");
    };
    const refused = (): void => this.#liveness.expect(nodeId, brokerEpoch, RETRY_MS, this.#host.clock.monotonicMs());
    this.#pump.decide(run, { refused });
  }
}
