import type { Address, Clock, Codecs, Logger, Random } from "@ottla/host";
import type { LogDirectory } from "@ottla/log";
import type { ClusterImage } from "@ottla/metadata";
import type { LoadedConfig, NodeConfig } from "@ottla/protocol";
import type { ByteBudget } from "../byte-budget.ts";
import type { ControllerLink } from "../controller/link.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { Timeouts } from "../timeouts.ts";
import type { ProducerIds } from "./producer-ids.ts";

/** Who asks, through which door, and until when an answer is of use. */
export interface RequestContext {
  /** Null while there is no authentication. */
  readonly principal: string | null;
  readonly clientId: string;
  /** The name of the listener, such as PLAINTEXT; GRPC for the door of that name. */
  readonly listener: string;
  readonly peer: string;
  /** The address under which the client reached this very node, null if that is not known; through the Kafka door the address of this machine
   * that its connection ends at. */
  readonly dialled: Address | null;
  /** By the clock's monotonic side; after it an answer is of no use. */
  readonly deadlineMs: number;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  /** Aborts when the door is about to close: who waits for more answers with what is there. Null where the door ends such requests itself. */
  readonly draining: AbortSignal | null;
  /** What this client alone may have of {@link BrokerParts.answerBytes}, so that one that takes no answers leaves room for the others. */
  readonly answerBytes: ByteBudget;
}

/** What operations act on. */
export interface BrokerParts {
  readonly nodeId: number;
  readonly config: NodeConfig;
  readonly loaded: LoadedConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly codecs: Codecs;
  readonly logger: Logger;
  readonly timeouts: Timeouts;
  readonly image: ClusterImage;
  readonly directory: LogDirectory;
  readonly space: () => Promise<{ freeBytes: number; totalBytes: number }>;
  readonly partitions: Partitions;
  readonly link: ControllerLink;
  readonly producerIds: ProducerIds;
  /** Answers with records that were read and not yet sent. */
  readonly answerBytes: ByteBudget;
}
