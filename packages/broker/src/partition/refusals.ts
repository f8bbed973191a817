import { ProtocolError } from "@ottla/protocol";

// `partition` is "partition 0 of topic orders" throughout.

export function notLeading(partition: string, nodeId: number): ProtocolError {
  return new ProtocolError("NOT_LEADER_OR_FOLLOWER", `Node ${nodeId} does not lead ${partition}: refresh the metadata and ask its leader`);
}

/** KIP-320 */
export function wrongEpoch(partition: string, asked: number, epoch: number): ProtocolError {
  if (asked < epoch) {
    return new ProtocolError(
      "FENCED_LEADER_EPOCH",
      `${partition} is led in epoch ${epoch}, the request knows ${asked}: refresh the metadata`,
    );
  }
  return new ProtocolError(
    "UNKNOWN_LEADER_EPOCH",
    `${partition} is led in epoch ${epoch} as far as its leader knows, the request speaks of ${asked}: ask again`,
  );
}

export function tooFewInSync(partition: string, inSync: number, replicas: number, minInSync: number): ProtocolError {
  return new ProtocolError(
    "NOT_ENOUGH_REPLICAS",
    `Cannot append to ${partition} with acks=all: ${inSync} of its ${replicas} replicas are in sync, and min.insync.replicas is ${minInSync}`,
  );
}

export function tooFewAfterAppend(partition: string, inSync: number, replicas: number, minInSync: number): ProtocolError {
  return new ProtocolError(
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
    `The batch is in ${partition}, but cannot be acknowledged with acks=all: ${inSync} of its ${replicas} replicas are in sync, and min.insync.replicas is ${minInSync}`,
  );
}

/** @param action such as "append to partition 0 of topic orders" */
export function takesNoWrites(action: string, failure: Error | null): ProtocolError {
  const since = failure === null ? "while it recovers" : `since ${failure.message}`;
  return new ProtocolError(
    "KAFKA_STORAGE_ERROR",
    `Cannot ${action}: its log takes no writes ${since}. It reopens by itself once the disk has space`,
  );
}

export function lostWithLog(partition: string, failure: Error): ProtocolError {
  return new ProtocolError(
    "KAFKA_STORAGE_ERROR",
    `${partition} takes no writes: ${failure.message}. Whether the batch survives is not known`,
    { cause: failure },
  );
}

/** @param until exclusive */
export function lostBatch(partition: string, from: number, until: number): ProtocolError {
  return new ProtocolError(
    "KAFKA_STORAGE_ERROR",
    `The batch was appended to ${partition}, but offsets ${from} to ${until - 1} are damaged at its leader, and no other replica has them: it is lost`,
  );
}

/** @param action such as "append to partition 0 of topic orders" */
export function lowSpace(action: string, path: string, freeBytes: number, limitBytes: number): ProtocolError {
  return new ProtocolError(
    "KAFKA_STORAGE_ERROR",
    `Cannot ${action}: ${freeBytes} bytes are free at ${path}, and log.min.free.bytes keeps ${limitBytes}. Free some space; writing goes on by itself then, and reading never stopped`,
    { notAppended: true },
  );
}

export function transactional(partition: string): ProtocolError {
  return new ProtocolError(
    "INVALID_TXN_STATE",
    `Cannot append a transactional batch to ${partition}: this version has no transactions; send without a transactional id`,
  );
}
