import { checkTopicConfig, describeTopicConfig, foundingSettings, pb, ProtocolError, topicNameOf } from "@ottla/protocol";
import { RESOURCE_BROKER, RESOURCE_TOPIC, type State } from "../state.ts";
import type { Context } from "./context.ts";
import { settleAfterSettings } from "./elections.ts";
import { findTopic } from "./find.ts";
import { MIN_IN_SYNC } from "./partition-change.ts";
import { failure, success } from "./failure.ts";

const LIST = 7;

/** What a cluster always has in its records, as it is by default. */
const founded = foundingSettings();

/** All changes of one resource, or none. */
export function alterConfigs(context: Context, call: pb.AlterConfigsCall): pb.AlterConfigsAnswer {
  const asked = call.resources.map(({ type, name }) => `${type}/${name}`);
  const resources = call.resources.map((resource, at): pb.AlteredResource => {
    const { type, name } = resource;
    try {
      if (asked.indexOf(`${type}/${name}`) !== at)
        throw new ProtocolError("INVALID_REQUEST", `Cannot alter the settings of "${name}": the request names it twice`);
      if (clearsNothing(context, resource)) return { type, name, ...success };
      const target = findTarget(context, resource);
      const changes = resource.changes.map((change) => decide(context, target, change));
      if (new Set(changes.map((change) => change.name)).size !== changes.length)
        throw new ProtocolError("INVALID_REQUEST", `Cannot alter the settings of "${name}": the request names one of them twice`);
      if (!call.validateOnly) {
        for (const change of changes)
          context.draft.write({ case: "config", value: { resourceType: target.resourceType, resource: target.resource, ...change } });
        if (changes.some((change) => change.name === MIN_IN_SYNC)) settleAfterSettings(context.draft, context, target.partitions());
      }
      return { type, name, ...success };
    } catch (error) {
      return { type, name, ...failure(error) };
    }
  });
  return { resources };
}

interface Target {
  readonly resourceType: number;
  readonly resource: string;
  readonly configs: ReadonlyMap<string, string>;
  /** That the settings are for. */
  partitions(): Iterable<pb.PartitionRecord>;
}

/** Nothing is ever set for one broker alone. Tools that take it away to be sure, as at the end of a reassignment, have what they want. */
function clearsNothing({ draft }: Context, { type, name, changes }: pb.AlterResource): boolean {
  if (type !== pb.ResourceType.RESOURCE_BROKER || name === "") return false;
  return (
    draft.state.brokers.get(Number(name)) !== undefined && changes.every(({ operation }) => operation === pb.AlterOperation.ALTER_DELETE)
  );
}

function findTarget({ draft }: Context, { type, name }: pb.AlterResource): Target {
  if (type === pb.ResourceType.RESOURCE_TOPIC) {
    const topic = findTopic(draft.state, name);
    return { resourceType: RESOURCE_TOPIC, resource: topic.id, configs: topic.configs, partitions: () => topic.partitions };
  }
  if (type !== pb.ResourceType.RESOURCE_BROKER)
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Cannot alter the settings of a resource of type ${type}: topics are ${RESOURCE_TOPIC}, brokers ${RESOURCE_BROKER}`,
    );
  if (name !== "")
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Cannot alter the settings of broker ${name}: a broker's own settings come from its file, environment and command line; the name "" alters the defaults of all topics`,
    );
  return { resourceType: RESOURCE_BROKER, resource: "", configs: draft.state.brokerDefaults, partitions: () => partitionsOf(draft.state) };
}

function* partitionsOf(state: State): Iterable<pb.PartitionRecord> {
  for (const { partitions } of state.topics.all()) yield* partitions;
}

function decide(context: Context, target: Target, change: pb.AlterConfig): { name: string; value: string | undefined } {
  const name = target.resourceType === RESOURCE_BROKER ? topicNameOf(change.name) : change.name;
  if (change.operation === pb.AlterOperation.ALTER_DELETE) {
    // A setting that never was would otherwise be a typing mistake that goes unnoticed.
    if (!target.configs.has(name)) describe(context, target, name);
    // Without a value in the records every node would fall back to its own file, and they might differ.
    if (target.resourceType === RESOURCE_BROKER && founded.has(name)) return { name, value: founded.get(name) };
    return { name, value: undefined };
  }
  if (change.value === undefined) throw new ProtocolError("INVALID_CONFIG", `Cannot change ${change.name} without a value`);
  const value =
    change.operation === pb.AlterOperation.ALTER_SET ? change.value : changedList(context, target, name, change.operation, change.value);
  checkTopicConfig(name, value);
  return { name, value };
}

function changedList(context: Context, target: Target, name: string, operation: pb.AlterOperation, items: string): string {
  const setting = describe(context, target, name);
  if (setting.valueType !== LIST)
    throw new ProtocolError("INVALID_CONFIG", `Cannot add to or take from ${name}: it is not a list; set it instead`);
  const present = list(setting.value ?? "");
  const named = list(items);
  if (operation === pb.AlterOperation.ALTER_APPEND) return [...present, ...named.filter((item) => !present.includes(item))].join(",");
  if (operation === pb.AlterOperation.ALTER_SUBTRACT) return present.filter((item) => !named.includes(item)).join(",");
  throw new ProtocolError("INVALID_REQUEST", `Cannot change ${name} by operation ${operation}: 0 sets, 1 deletes, 2 appends, 3 subtracts`);
}

function describe({ config }: Context, target: Target, name: string): pb.DescribedConfig {
  const setting = describeTopicConfig(config, target.configs).find((each) => each.name === name);
  // Finds the nearest right name.
  if (!setting) checkTopicConfig(name, "");
  if (!setting) throw new ProtocolError("INVALID_CONFIG", `Topics have no setting "${name}"`);
  return setting;
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
