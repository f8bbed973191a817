import { kafka } from "@ottla/protocol";

/** What the proxy saw on a connection, in order. */
export type Seen = Note | Message;

export interface Note {
  readonly kind: "note";
  readonly connection: number;
  readonly text: string;
}

export interface Message {
  readonly kind: "request" | "answer";
  readonly connection: number;
  /** "API 4711" when nobody knows it. */
  readonly api: string;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** Without the size in front. */
  readonly bytes: number;
  readonly durationMs?: number;
  readonly fields?: unknown;
  /** Why the fields cannot be read. */
  readonly trouble?: string;
}

interface Asked {
  readonly api: kafka.Api | undefined;
  readonly version: number;
  readonly clientId: string | null;
  readonly atMs: number;
}

const MAX_UNANSWERED = 10_000;
const API_VERSIONS = 18;

/** One connection's requests and answers, told apart and paired by correlation id. */
export class Conversation {
  readonly #connection: number;
  readonly #asked = new Map<number, Asked>();

  constructor(connection: number) {
    this.#connection = connection;
  }

  request(frame: Uint8Array): Seen {
    try {
      const { apiKey, apiVersion: version, correlationId, clientId, bodyAt } = kafka.decodeRequestHeader(frame);
      const api = kafka.apiByKey(apiKey);
      if (this.#asked.size >= MAX_UNANSWERED) this.#asked.delete(this.#asked.keys().next().value ?? 0);
      const asked = { api, version, clientId, atMs: performance.now() };
      const message = { ...this.#message("request", asked, correlationId, frame), api: api?.name ?? `API ${apiKey}` };
      const read = readable(api, version, () => api && kafka.decodeRequest(api, version, frame, bodyAt));
      // Without an acknowledgement there is no answer.
      const unanswered = api?.name === "Produce" && isObject(read.fields) && read.fields["acks"] === 0;
      if (!unanswered) this.#asked.set(correlationId, asked);
      return { ...message, ...read };
    } catch (error) {
      return { kind: "note", connection: this.#connection, text: `-> ${frame.length} bytes that are no request: ${text(error)}` };
    }
  }

  /** @returns what was seen, and the message itself, for whom it has to be changed */
  answer(frame: Uint8Array): { seen: Seen; api?: kafka.Api; version?: number; correlationId?: number } {
    const correlationId = frame.length < 4 ? undefined : new DataView(frame.buffer, frame.byteOffset).getInt32(0);
    const asked = correlationId === undefined ? undefined : this.#asked.get(correlationId);
    if (correlationId === undefined || asked === undefined)
      return { seen: { kind: "note", connection: this.#connection, text: `<- ${frame.length} bytes that answer nothing that was asked` } };
    this.#asked.delete(correlationId);
    const { api, version } = asked;
    const seen: Message = {
      ...this.#message("answer", asked, correlationId, frame),
      durationMs: performance.now() - asked.atMs,
      ...readable(api, version, () => api && readAnswer(api, version, frame)),
    };
    return { seen, ...(api ? { api } : {}), version, correlationId };
  }

  #message(kind: "request" | "answer", { api, version, clientId }: Asked, correlationId: number, frame: Uint8Array): Message {
    return { kind, connection: this.#connection, api: api?.name ?? "unknown API", version, correlationId, clientId, bytes: frame.length };
  }
}

/** A server that does not know the version of ApiVersions answers in the oldest one. */
function readAnswer(api: kafka.Api, version: number, frame: Uint8Array): unknown {
  try {
    return kafka.decodeResponse(api, version, frame).body;
  } catch (error) {
    if (api.key !== API_VERSIONS) throw error;
    return kafka.decodeResponse(api, 0, frame).body;
  }
}

function readable(api: kafka.Api | undefined, version: number, read: () => unknown): { fields?: unknown; trouble?: string } {
  if (!api) return { trouble: "no such API is known" };
  const [least, most] = api.versions;
  if (version < least || version > most) return { trouble: `versions ${least} to ${most} are known` };
  try {
    return { fields: read() };
  } catch (error) {
    return { trouble: text(error) };
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
