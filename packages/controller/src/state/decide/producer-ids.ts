import { ProtocolError, type pb } from "@ottla/protocol";
import type { Context } from "./context.ts";

const MAX_BLOCK = 100_000;

/** The next ids that nobody has. What a broker does not use of its block is lost. */
export function allocateProducerIds({ draft }: Context, command: pb.AllocateProducerIdsCommand): pb.AllocateProducerIdsReply {
  const { count } = command;
  if (count < 1 || count > MAX_BLOCK)
    throw new ProtocolError("INVALID_REQUEST", `Cannot allocate ${count} producer ids: a block has 1 to ${MAX_BLOCK}`);
  const firstId = draft.state.nextProducerId;
  if (firstId + count > Number.MAX_SAFE_INTEGER)
    throw new ProtocolError("POLICY_VIOLATION", `Cannot allocate ${count} producer ids after ${firstId}: ids end at 2^53`);
  draft.write({ case: "producerIds", value: { nextId: firstId + count } });
  return { firstId, count };
}
