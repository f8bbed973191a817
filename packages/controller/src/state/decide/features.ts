import { ProtocolError, type pb } from "@ottla/protocol";
import type { Context } from "./context.ts";
import { writeEvent } from "./event.ts";
import { METADATA_VERSION } from "./founding.ts";

/** Raises what may stand in the log, once every node can read it.
 * @throws ProtocolError INVALID_REQUEST, FEATURE_UPDATE_FAILED */
export function updateFeatures(context: Context, { name, level, validateOnly }: pb.UpdateFeaturesCall): pb.UpdateFeaturesAnswer {
  const { draft } = context;
  if (name !== METADATA_VERSION) throw new ProtocolError("INVALID_REQUEST", `There is no feature "${name}"; there is ${METADATA_VERSION}`);
  const { features } = draft.state;
  const present = features.get(METADATA_VERSION) ?? context.metadataVersions.min;
  const refuse = (why: string): never => {
    throw new ProtocolError("FEATURE_UPDATE_FAILED", `Cannot change ${METADATA_VERSION} from ${present} to ${level}: ${why}`);
  };
  if (level < present) refuse("a level is never lowered, because what was written under it must stay readable");
  const ranges = supported(context);
  const unable = ranges.find(({ min, max }) => level < min || level > max);
  const unheard = level === present ? undefined : unheardVoter(context);
  if (unheard !== undefined)
    refuse(`what controller ${unheard} supports is not known: it is not connected; start it, or remove it if it is gone`);
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

/** Of everybody who reads the log: brokers as they registered, controllers as they say when they connect. */
function supported({ draft, quorum, metadataVersions }: Context): { who: string; min: number; max: number }[] {
  return [
    { who: `controller ${quorum.nodeId}`, ...metadataVersions },
    ...[...quorum.metadataVersions()].map(([nodeId, range]) => ({ who: `controller ${nodeId}`, ...range })),
    ...[...draft.state.brokers.all()].map(({ nodeId, version, metadataVersionMin, metadataVersionMax }) => ({
      who: `broker ${nodeId} (version ${version})`,
      min: metadataVersionMin,
      max: metadataVersionMax,
    })),
  ];
}

/** A voter that is no broker has told nothing while it is away. */
function unheardVoter({ draft, quorum }: Context): number | undefined {
  const heard = quorum.metadataVersions();
  const { voters, brokers } = draft.state;
  return voters.map(({ nodeId }) => nodeId).find((id) => id !== quorum.nodeId && !heard.has(id) && brokers.get(id) === undefined);
}
