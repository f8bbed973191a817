import type { Address, Listener, ListenOptions, Network, Service } from "@ottla/host";

/** @throws Error naming the address and the setting: in use, or not of this machine */
export async function openDoors(
  network: Network,
  setting: string,
  addresses: readonly Address[],
  services: readonly Service[],
  limits: ListenOptions,
): Promise<Listener[]> {
  const opened: Listener[] = [];
  for (const at of addresses) {
    try {
      opened.push(await network.listen(at, services, limits));
    } catch (error) {
      await Promise.all(opened.map((listener) => listener.close(0)));
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`${why}; set ${setting} to another address`, { cause: error });
    }
  }
  return opened;
}
