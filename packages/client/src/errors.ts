import { ProtocolError, type ErrorName } from "@ottla/protocol";
import type { RecordMetadata } from "./producer/api.ts";

/** An option or argument that cannot be used; thrown at once, before anything is sent. */
export class OptionError extends Error {
  readonly option: string;

  constructor(option: string, message: string) {
    super(message);
    this.name = "OptionError";
    this.option = option;
  }
}

/** Something was used after its `close`. */
export class ClosedError extends Error {
  constructor(action: string, what: string) {
    super(`Cannot ${action}: ${what} is closed`);
    this.name = "ClosedError";
  }
}

/** A stream to a broker could not be opened, or ended before the answer came. */
export class ConnectionError extends ProtocolError {
  readonly broker: string;
  /** False: the request never left, so it has had no effect. */
  readonly sent: boolean;
  /** What the peer ended the stream with, if it said. */
  readonly reason: string | undefined;

  constructor(
    broker: string,
    sent: boolean,
    message: string,
    options: { error?: ErrorName; reason?: string | undefined; cause?: unknown } = {},
  ) {
    super(options.error ?? errorOfReason(options.reason), message, { cause: options.cause, notAppended: !sent });
    this.name = "ConnectionError";
    this.broker = broker;
    this.sent = sent;
    this.reason = options.reason;
  }
}

function errorOfReason(reason: string | undefined): ErrorName {
  return reason === "WRONG_NODE" || reason === "UNSUPPORTED_PROTOCOL" ? reason : "NETWORK_EXCEPTION";
}

/** A record that was not acknowledged. `outcome` says what that means:
 * `not-appended`: it is certainly not in the log and may be sent again;
 * `unknown`: it may be in the log (a timeout, a connection that broke): sending it again may double it. */
export class ProduceError extends ProtocolError {
  readonly topic: string;
  /** null: none was chosen yet. */
  readonly partition: number | null;
  readonly outcome: "not-appended" | "unknown";

  constructor(
    error: ErrorName,
    topic: string,
    partition: number | null,
    outcome: "not-appended" | "unknown",
    message: string,
    cause?: unknown,
  ) {
    super(error, message, { cause, notAppended: outcome === "not-appended" });
    this.name = "ProduceError";
    this.topic = topic;
    this.partition = partition;
    this.outcome = outcome;
  }
}

/** Some records of a `sendAll` were not acknowledged. */
export class SendAllError extends ProduceError {
  // Behind a getter, so that printing the error does not print thousands of outcomes.
  readonly #results: readonly (RecordMetadata | Error)[];

  constructor(topic: string, first: ProduceError, results: readonly (RecordMetadata | Error)[]) {
    const failures = results.filter((result) => result instanceof Error);
    const unknown = failures.some((failure) => !(failure instanceof ProduceError) || failure.outcome === "unknown");
    super(
      first.error,
      topic,
      first.partition,
      unknown ? "unknown" : "not-appended",
      `${failures.length} of ${results.length} records were not acknowledged; the first: ${first.message}`,
      first,
    );
    this.name = "SendAllError";
    this.#results = results;
  }

  /** The outcome of each record, in their order. */
  get results(): readonly (RecordMetadata | Error)[] {
    return this.#results;
  }
}

/** Consuming cannot go on at this partition. */
export class ConsumeError extends ProtocolError {
  readonly topic: string;
  /** null: the topic as a whole. */
  readonly partition: number | null;

  constructor(error: ErrorName, topic: string, partition: number | null, message: string, cause?: unknown) {
    super(error, message, { cause });
    this.name = "ConsumeError";
    this.topic = topic;
    this.partition = partition;
  }
}

/** A key or value that the topic's codec cannot read. `seek` to `offset + 1` to pass over it. */
export class RecordDecodeError extends Error {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;

  constructor(topic: string, partition: number, offset: number, what: "key" | "value", codec: string, cause: unknown) {
    super(
      `Cannot read the ${what} of ${topic}-${partition} at offset ${offset} as ${codec}: ${messageOf(cause)}; seek to offset ${offset + 1} to pass over it, or consume the topic by its name to get the bytes`,
      { cause },
    );
    this.name = "RecordDecodeError";
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
  }
}

export interface Failure {
  /** The topic, partition, group or setting, as in the message. */
  readonly item: string;
  readonly error: ErrorName;
  readonly message: string;
}

/** Some items of a call failed; the others were done. */
export class AdminError extends ProtocolError {
  readonly failures: readonly [Failure, ...Failure[]];

  constructor(action: string, failures: readonly [Failure, ...Failure[]]) {
    const lines = failures.map(
      ({ item, error, message }) => `${message.startsWith("Cannot ") ? message : `Cannot ${action} ${item}: ${message}`} [${error}]`,
    );
    super(failures[0].error, lines.join("; "));
    this.name = "AdminError";
    this.failures = failures;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
