import type { MetadataVersions } from "@ottla/metadata";
import { foundingSettings, type NodeConfig, type pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import { RESOURCE_BROKER, type State } from "../state.ts";
import { writeEvent } from "./event.ts";

export const METADATA_VERSION = "metadata.version";

/** The first decision of a cluster.
 * @param level what may stand in the log: the highest that the founder writes */
export function found(draft: Draft, voters: readonly pb.Voter[], config: NodeConfig, level: number): void {
  if (draft.state.cluster) return;
  draft.write({ case: "cluster", value: { clusterId: clusterId(draft), voters: [...voters] } });
  draft.write({ case: "feature", value: { name: METADATA_VERSION, level } });
  for (const [name, value] of foundingSettings(config))
    draft.write({ case: "config", value: { resourceType: RESOURCE_BROKER, resource: "", name, value } });
  const ids = voters.map(({ nodeId }) => nodeId).join(", ");
  writeEvent(draft, "founded", {}, `The cluster was founded with voters [${ids}]`);
}

/** As Kafka makes them: a random UUID in base64url, which does not begin with a dash (it would look like an option on a command line). */
function clusterId(draft: Draft): string {
  for (;;) {
    const text = Buffer.from(draft.random.uuid()).toString("base64url");
    if (!text.startsWith("-")) return text;
  }
}

/** @throws Error for a level that this node does not run: it could misread what is written under it */
export function checkFeature({ record }: pb.MetadataRecord, supported: MetadataVersions): void {
  if (record.case === "feature" && record.value.name === METADATA_VERSION) checkLevel(record.value.level, supported);
}

/** @throws Error as {@link checkFeature} */
export function checkState({ features }: State, supported: MetadataVersions): void {
  const level = features.get(METADATA_VERSION);
  if (level !== undefined) checkLevel(level, supported);
}

function checkLevel(level: number, { min, max }: MetadataVersions): void {
  if (level < min || level > max)
    throw new Error(
      `The cluster runs ${METADATA_VERSION} ${level}, this version of Ottla supports ${min} to ${max}; start a version whose range holds ${level}`,
    );
}
