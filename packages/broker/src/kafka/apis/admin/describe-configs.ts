import { kafka, ProtocolError } from "@ottla/protocol";
import { type ConfigEntry, configEntries, configSource } from "../../../operations/config-entries.ts";
import { lookAtMany } from "../../../operations/many.ts";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { boundPartitions } from "../data/limits.ts";
import { Outcomes, repeated } from "./outcomes.ts";

type Resource = kafka.DescribeConfigsRequest["resources"][number];
type Answer = kafka.DescribeConfigsResponse["results"][number];

export const describeConfigs = defineApi<kafka.DescribeConfigsRequest, kafka.DescribeConfigsResponse>({
  api: kafka.apis.describeConfigs,
  versions: [1, 4],
  handle,
});

function handle(door: KafkaParts, { version, body }: KafkaRequest<kafka.DescribeConfigsRequest>): kafka.DescribeConfigsResponse {
  const count = boundPartitions("DescribeConfigs", body.resources, () => []);
  const outcomes = new Outcomes(door, kafka.apis.describeConfigs, version);
  const { includeSynonyms, includeDocumentation } = body;
  // All settings of a topic with their documentation, again and again: a small request would have an answer of gigabytes.
  const twice = repeated(body.resources.map(keyOf));
  const describe = ({ resourceType, resourceName, configurationKeys }: Resource): Answer => {
    try {
      if (twice.has(keyOf({ resourceType, resourceName })))
        throw new ProtocolError(
          "INVALID_REQUEST",
          `Cannot describe the settings of "${resourceName}": the request names it more than once`,
        );
      // Null asks for all, and so does an empty list from clients that know no null.
      const wanted = configurationKeys === null || configurationKeys.length === 0 ? null : new Set(configurationKeys);
      const configs = configEntries(door.parts, resourceType, resourceName)
        .filter(({ name }) => wanted === null || wanted.has(name))
        .map((entry) => described(entry, includeSynonyms, includeDocumentation));
      return { errorCode: 0, errorMessage: null, resourceType, resourceName, configs };
    } catch (error) {
      return { ...outcomes.caught(error), resourceType, resourceName, configs: [] };
    }
  };
  return { results: lookAtMany(count, () => body.resources.map(describe)) };
}

function keyOf({ resourceType, resourceName }: Pick<Resource, "resourceType" | "resourceName">): string {
  return `${resourceType}:${resourceName}`;
}

function described(entry: ConfigEntry, withSynonyms: boolean, withDocumentation: boolean): Answer["configs"][number] {
  const { name, value, readOnly, source, sensitive, valueType, documentation, synonyms } = entry;
  return {
    name,
    value: value ?? null,
    readOnly,
    isDefault: source === configSource.default,
    configSource: source,
    isSensitive: sensitive,
    synonyms: withSynonyms ? synonyms : [],
    configType: valueType,
    documentation: withDocumentation ? documentation : null,
  };
}
