import type { CommandKind, CommandOf, ReplyOf } from "../controller/commands.ts";
import type { BrokerParts, RequestContext } from "./context.ts";

/** Asks the controllers, for as long as the caller has time and is there.
 * @throws ProtocolError of the controllers; REQUEST_TIMED_OUT: its effect is unknown; the reason of the context's signal */
export function relay<K extends CommandKind>(
  { clock, link }: BrokerParts,
  { deadlineMs, signal }: RequestContext,
  kind: K,
  value: CommandOf<K>["value"],
): Promise<ReplyOf<K>> {
  return link.command(kind, value, Math.max(1, deadlineMs - clock.monotonicMs()), signal);
}
