import { errorName, type kafka, ProtocolError } from "@ottla/protocol";
import type { KafkaParts } from "../../api.ts";
import { wireError } from "../../wire-error.ts";

export interface Outcome {
  readonly errorCode: number;
  /** Null where all went well. */
  readonly errorMessage: string | null;
}

/** How the parts of one request went, in codes that its version knows, and counted. */
export class Outcomes {
  readonly #metrics: KafkaParts["metrics"];
  readonly #api: kafka.Api;
  readonly #version: number;

  constructor({ metrics }: KafkaParts, api: kafka.Api, version: number) {
    this.#metrics = metrics;
    this.#api = api;
    this.#version = version;
  }

  /** Of what an operation says of one part. */
  of({ errorCode, errorMessage }: { readonly errorCode: number; readonly errorMessage: string }): Outcome {
    return errorCode === 0 ? done : this.failed(new ProtocolError(errorName(errorCode), errorMessage));
  }

  failed(error: ProtocolError): Outcome {
    this.#metrics.failed(this.#api.name, error.code);
    return { errorCode: wireError(this.#api, this.#version, error), errorMessage: error.message };
  }

  /** @throws what is no ProtocolError */
  caught(error: unknown): Outcome {
    if (!(error instanceof ProtocolError)) throw error;
    return this.failed(error);
  }
}

export const done: Outcome = { errorCode: 0, errorMessage: null };

/** The texts that come more than once: requests that name a thing twice are refused for it, as in Kafka. */
export function repeated(texts: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const text of texts) (seen.has(text) ? twice : seen).add(text);
  return twice;
}
