import { pb, ProtocolError } from "@ottla/protocol";
import { configEntries, configSource } from "./config-entries.ts";
import type { BrokerParts, RequestContext } from "./context.ts";
import { relay } from "./relay.ts";

export function describeConfigs(parts: BrokerParts, call: pb.DescribeConfigsCall): pb.DescribeConfigsAnswer {
  return {
    resources: call.resources.map(({ type, name, keys }) => {
      try {
        const wanted = new Set(keys);
        const configs = configEntries(parts, type, name)
          .filter((each) => wanted.size === 0 || wanted.has(each.name))
          .map(({ synonyms: _, source, ...rest }) => ({ ...rest, source: sources.get(source) ?? pb.ConfigSource.SOURCE_DEFAULT }));
        return { type, name, errorCode: 0, errorMessage: "", configs };
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return { type, name, errorCode: error.code, errorMessage: error.message, configs: [] };
      }
    }),
  };
}

/** What was set for all topics of the cluster counts as set, wherever that was. */
const sources: ReadonlyMap<number, pb.ConfigSource> = new Map([
  [configSource.topic, pb.ConfigSource.SOURCE_TOPIC],
  [configSource.cluster, pb.ConfigSource.SOURCE_STATIC],
  [configSource.node, pb.ConfigSource.SOURCE_STATIC],
]);

export function alterConfigs(parts: BrokerParts, context: RequestContext, call: pb.AlterConfigsCall): Promise<pb.AlterConfigsAnswer> {
  return relay(parts, context, "alterConfigs", call);
}
