import { NetworkError, type Service, type Session } from "@ottla/host";

/** Services that refuse with BROKER_NOT_AVAILABLE until `serve` names the real ones: a door opens before what is behind it exists. */
export class LateServices {
  readonly services: readonly Service[];
  readonly #real = new Map<string, Service>();

  constructor(names: readonly string[]) {
    this.services = names.map((name) => ({ name, accept: (session: Session) => this.#accept(name, session) }));
  }

  serve(services: readonly Service[]): void {
    for (const service of services) this.#real.set(service.name, service);
  }

  #accept(name: string, session: Session): ReturnType<Service["accept"]> {
    const service = this.#real.get(name);
    if (!service)
      throw new NetworkError({ kind: "rejected", code: "BROKER_NOT_AVAILABLE", message: "This node is still starting; try again" });
    return service.accept(session);
  }
}
