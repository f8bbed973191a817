/** A broker as the cluster names it to clients. */
export interface Told {
  readonly nodeId: number;
  readonly address: string;
  readonly fenced: boolean;
  readonly doors: readonly Door[];
}

export interface Door {
  /** GRPC, NODE or HTTP. */
  readonly listener: string;
  readonly address: string;
}

export interface Checked {
  readonly address: string;
  readonly what: string;
  /** Null: it answers. */
  readonly problem: string | null;
  readonly fix: string | null;
}

/** What to change about a bootstrap entry behind which no client's door answers. */
export function entryAdvice(problem: unknown): string {
  const error = problem instanceof Error && "error" in problem ? problem.error : null;
  return error === "UNSUPPORTED_ENDPOINT_TYPE" || error === "UNSUPPORTED_PROTOCOL"
    ? "name the node's door for clients there (grpc.listeners, 9093 by default)"
    : "take it out of --bootstrap (OTTLA_BOOTSTRAP), or start the node there";
}

/** What to change about a broker that does not answer where the cluster says it is. */
export function adviceFor({ nodeId, address }: Pick<Told, "nodeId" | "address">, entry: string): string {
  const setting = `grpc.advertised.listeners of node ${nodeId}`;
  if (isLoopback(address) && !isLoopback(entry))
    return `set ${setting} to a name that clients can resolve: ${address} is each client's own machine`;
  return `check that node ${nodeId} listens there (grpc.listeners) and that nothing is in between; if clients reach it elsewhere, set ${setting}`;
}

/** Two brokers behind one address: whoever dials it reaches only one of them. */
export function duplicateAdvice(told: Told, all: readonly Told[]): { problem: string; fix: string } | null {
  const other = all.find(({ nodeId, address }) => nodeId !== told.nodeId && address === told.address);
  if (other === undefined) return null;
  return {
    problem: `broker ${other.nodeId} has registered the same address`,
    fix: `give each its own grpc.advertised.listeners`,
  };
}

export function isLoopback(address: string): boolean {
  return /^(localhost|127\.|\[::1\])/.test(address);
}
