import type { BrokerParts, RequestContext } from "../operations/context.ts";
import type { RequestMetrics } from "../metrics/requests.ts";
import type { Operations } from "../operations.ts";

/** What handlers act on; one for all connections. */
export interface KafkaParts {
  readonly operations: Operations;
  readonly metrics: RequestMetrics;
  readonly parts: BrokerParts;
}

export interface KafkaRequest<Req> {
  readonly version: number;
  readonly context: RequestContext;
  /** Every version decodes to one type: what a version lacks has its default. */
  readonly body: Req;
  /** Runs once the answer has been handed to the machine, or nobody wants it any more: gives back the memory of its records. */
  whenSent(run: () => void): void;
}

/** One of Kafka's APIs as this broker answers it. */
export interface Api<Req, Res> {
  readonly key: number;
  readonly name: string;
  /** As advertised, both inclusive; any other version closes the connection. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** Called in the order of arrival on a connection; what must be in that order (appends) is done before it returns. Answers leave in the same
   * order, whichever is ready first.
   * @returns null for a request that has no answer (produce with acks=0)
   * @throws ProtocolError when the answer has no place for it: it closes the connection, and should not happen
   * @throws CloseConnection */
  handle(door: KafkaParts, request: KafkaRequest<Req>): Res | null | Promise<Res | null>;
}

export function defineApi<Req, Res>(definition: {
  readonly api: { readonly key: number; readonly name: string };
  readonly versions: readonly [min: number, max: number];
  readonly handle: Api<Req, Res>["handle"];
}): Api<Req, Res> {
  const { api, versions, handle } = definition;
  return { key: api.key, name: api.name, minVersion: versions[0], maxVersion: versions[1], handle };
}

/** The only way to tell a client something where the protocol has no answer for it. */
export class CloseConnection extends Error {
  override readonly name = "CloseConnection";
}
