import { Message } from "./message.ts";
import type { Type } from "./schema.ts";

/** What is the same for all versions of an API, whatever its messages are. */
export interface ApiTraits {
  readonly key: number;
  /** As Kafka names it: "Produce", "ListOffsets". */
  readonly name: string;
  /** The versions that the schemas describe. What a server answers is its own affair. */
  readonly versions: readonly [min: number, max: number];
  /** From this version on the encoding is the compact one with tagged fields; Infinity: never. */
  readonly flexibleFrom: number;
}

/** An API of Kafka's: what is asked and what is answered, in every version. `Request` is what decoding a request yields, `Response` what
 * encoding an answer takes, where fields with a default may be left out. Without parameters it stands for any of them. */
export interface Api<Request = unknown, Response = never, WrittenRequest = never, ReadResponse = unknown> extends ApiTraits {
  readonly request: Message<Request, WrittenRequest>;
  readonly response: Message<ReadResponse, Response>;
}

interface Definition<ReqR, ReqW, ResR, ResW> extends ApiTraits {
  readonly request: Type<ReqR, ReqW>;
  readonly response: Type<ResR, ResW>;
}

export function defineApi<ReqR, ReqW, ResR, ResW>(definition: Definition<ReqR, ReqW, ResR, ResW>): Api<ReqR, ResW, ReqW, ResR> {
  const { key, name, versions, flexibleFrom, request, response } = definition;
  return {
    key,
    name,
    versions,
    flexibleFrom,
    request: new Message(request, `${name} request`, flexibleFrom),
    response: new Message(response, `${name} response`, flexibleFrom),
  };
}
