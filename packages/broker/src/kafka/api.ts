import type { Frame } from "@ottla/host";
import { kafka } from "@ottla/protocol";
import type { RequestMetrics } from "../metrics/requests.ts";
import type { BrokerParts, RequestContext } from "../operations/context.ts";
import type { Operations } from "../operations.ts";

/** What handlers act on; one for all connections. */
export interface KafkaParts {
  readonly operations: Operations;
  readonly metrics: RequestMetrics;
  readonly parts: BrokerParts;
  /** What is answered, by API key: what ApiVersions tells. */
  readonly apis: ReadonlyMap<number, Api>;
}

export interface KafkaRequest<Req> {
  readonly version: number;
  readonly context: RequestContext;
  /** Every version decodes to one type: what a version lacks has its default. */
  readonly body: Req;
  /** Runs once the answer has been handed to the machine, or nobody wants it any more: gives back the memory of its records, so many bytes. */
  readonly whenSent: (run: () => void, bytes: number) => void;
  /** From now on nothing of the message that came is needed, not even a part of the body that is a view of it: its memory is given back. For requests
   * that wait long. */
  messageDone(): void;
  /** How many parts a request has whose bytes do not tell it. */
  weighs(items: number): void;
  /** Resolves once all requests before this one on its connection are answered; null when they are. Who takes memory for an answer waits for it: what
   * stands behind a request that waits must not hold what that one will need. */
  readonly inTurn: () => Promise<void> | null;
}

/** What a connection knows of a request before its body is read. */
export interface RequestHead {
  readonly version: number;
  readonly correlationId: number;
  readonly context: RequestContext;
  whenSent(run: () => void, bytes: number): void;
  messageDone(): void;
  weighs(items: number): void;
  inTurn(): Promise<void> | null;
}

/** One of Kafka's APIs as this broker answers it. */
export interface Api {
  readonly key: number;
  readonly name: string;
  /** As advertised, both inclusive; any other version closes the connection. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** Reads the body from byte `bodyAt` on, carries the request out, and writes the answer: null where there is none.
   * @throws MalformedFrame, and what the handler throws */
  answer(door: KafkaParts, head: RequestHead, frame: Uint8Array, bodyAt: number): Frame | null | Promise<Frame | null>;
}

export interface ApiDefinition<Req, Res> {
  readonly api: kafka.Api<Req, Res>;
  readonly versions: readonly [min: number, max: number];
  /** Called in the order of arrival on a connection; what must be in that order (appends) is done before it returns. Answers leave in the same
   * order, whichever is ready first.
   * @returns null for a request that has no answer (produce with acks=0)
   * @throws CloseConnection
   * @throws ProtocolError when the answer has no place for it: closes the connection too, with a line in the log */
  handle(door: KafkaParts, request: KafkaRequest<Req>): Res | null | Promise<Res | null>;
}

export function defineApi<Req, Res>({ api, versions, handle }: ApiDefinition<Req, Res>): Api {
  const [minVersion, maxVersion] = versions;
  return {
    key: api.key,
    name: api.name,
    minVersion,
    maxVersion,
    answer(door, head, frame, bodyAt) {
      const { version, correlationId, context } = head;
      const body = kafka.decodeRequest(api, version, frame, bodyAt);
      const encode = (response: Res | null): Frame | null =>
        response === null ? null : kafka.encodeResponse(api, version, correlationId, response);
      const response = handle(door, {
        version,
        context,
        body,
        whenSent: (run, bytes) => head.whenSent(run, bytes),
        messageDone: () => head.messageDone(),
        weighs: (items) => head.weighs(items),
        inTurn: () => head.inTurn(),
      });
      return response instanceof Promise ? response.then(encode) : encode(response);
    },
  };
}

/** The only way to tell a client something where the protocol has no answer for it. */
export class CloseConnection extends Error {
  override readonly name = "CloseConnection";
}
