/** The cluster that a client has found: all brokers it reaches must belong to it. */
export class Home {
  #first: { readonly clusterId: string; readonly label: string } | null = null;

  /** Why this broker is none of the cluster; null if it is. */
  objection(clusterId: string, label: string): string | null {
    if (clusterId === "") return null;
    this.#first ??= { clusterId, label };
    if (this.#first.clusterId === clusterId) return null;
    return `${label} belongs to cluster ${clusterId}, and ${this.#first.label} to cluster ${this.#first.clusterId}: take the one that is not meant out of bootstrap`;
  }
}
