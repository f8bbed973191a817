import type { Clock } from "../clock.ts";
import type { Address, Listener, ListenOptions, Service } from "../network.ts";
import type { MemoryLink } from "./memory-link.ts";
import type { MemoryNetwork } from "./memory-network.ts";

export class MemoryListener implements Listener {
  readonly address: Address;
  readonly services: ReadonlyMap<string, Service>;
  readonly options: ListenOptions;
  readonly machine: MemoryNetwork;
  readonly links = new Set<MemoryLink>();
  readonly #clock: Clock;
  readonly #remove: () => void;
  #closed = false;

  constructor(
    address: Address,
    machine: MemoryNetwork,
    services: readonly Service[],
    options: ListenOptions,
    clock: Clock,
    remove: () => void,
  ) {
    this.address = address;
    this.machine = machine;
    this.services = new Map(services.map((service) => [service.name, service]));
    this.options = options;
    this.#clock = clock;
    this.#remove = remove;
  }

  async close(graceMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#remove();
    if (graceMs > 0 && this.links.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(graceMs, resolve);
        void Promise.all([...this.links].map((link) => link.accepting.session.closed)).then(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    for (const link of this.links) link.breakOff("the listener was closed");
  }
}
