import { administering } from "./administering.ts";
import { failover } from "./failover.ts";
import type { Feature } from "./feature.ts";
import { producing } from "./producing.ts";
import { reading } from "./reading.ts";

const { "produce-failover": produceFailover, "read-failover": readFailover, ...tools } = failover;
const all = {
  ...producing,
  "produce-failover": produceFailover,
  ...reading,
  "read-failover": readFailover,
  ...administering,
  ...tools,
};

export type FeatureId = keyof typeof all;
export const features: Readonly<Record<FeatureId, Feature>> = all;
export const featureIds = Object.keys(all) as FeatureId[];
