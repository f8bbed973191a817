import { metadataVersions } from "@ottla/metadata";
import { ProtocolError, type pb } from "@ottla/protocol";
import type { Context } from "./context.ts";
import { writeEvent } from "./event.ts";
import { METADATA_VERSION } from "./founding.ts";

/** Raises what may stand in the log, once every node can read it.
 * @throws ProtocolError INVALID_REQUEST, FEATURE_UPDATE_FAILED */
export function updateFeatures({ draft }: Context, { name, level, validateOnly }: pb.UpdateFeaturesCall): pb.UpdateFeaturesAnswer {
  if (name !== METADATA_VERSION) throw new ProtocolError("INVALID_REQUEST", `There is no feature "${name}"; there is ${METADATA_VERSION}`);
  const { features, brokers } = draft.state;
  const present = features.get(METADATA_VERSION) ?? metadataVersions.min;
  const refuse = (why: string): never => {
    throw new ProtocolError("FEATURE_UPDATE_FAILED", `Cannot change ${METADATA_VERSION} from ${present} to ${level}: ${why}`);
  };
  if (level < present) refuse("a level is never lowered, because what was written under it must stay readable");
  const ranges = [
    { who: "the controller", min: metadataVersions.min, max: metadataVersions.max },
    ...[...brokers.all()].map((broker) => ({
      who: `broker ${broker.nodeId} (version ${broker.version})`,
      min: broker.metadataVersionMin,
      max: broker.metadataVersionMax,
    })),
  ];
  const unable = ranges.find(({ min, max }) => level < min || level > max);
  if (unable) refuse(`${unable.who} supports ${unable.min} to ${unable.max}; upgrade it first, or remove it if it is gone`);
  if (!validateOnly && level !== present) {
    draft.write({ case: "feature", value: { name, level } });
    writeEvent(draft, "feature", {}, `${METADATA_VERSION} was raised from ${present} to ${level}`);
  }
  return {
    feature: {
      name,
      level,
      supportedMin: Math.max(...ranges.map(({ min }) => min)),
      supportedMax: Math.min(...ranges.map(({ max }) => max)),
    },
  };
}
