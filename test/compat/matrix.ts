import type { Client } from "./client.ts";
import { java } from "./clients/java.ts";
import { kafkajs } from "./clients/kafkajs.ts";
import { kcat } from "./clients/kcat.ts";
import { librdkafka } from "./clients/librdkafka.ts";
import { platformatic } from "./clients/platformatic.ts";
import { type FeatureId, featureIds, features } from "./features/index.ts";

export const clients: readonly Client[] = [kcat, librdkafka, kafkajs, platformatic, java];

/** Client x feature: a test, or the reason why there is none. */
export interface Cell {
  readonly client: Client;
  readonly featureId: FeatureId;
  /** As vitest names it. */
  readonly test: string;
  readonly missing: string | null;
}

export function cells(): Cell[] {
  return clients.flatMap((client) =>
    featureIds.map((featureId) => ({
      client,
      featureId,
      test: `${client.name} ${features[featureId].title}`,
      missing: client.missing[featureId] ?? null,
    })),
  );
}
