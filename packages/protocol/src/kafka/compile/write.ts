import type { Fields, Type } from "../schema.ts";
import type { Writer } from "../writer.ts";
import { defaultOf, fieldOf } from "./defaults.ts";
import { byTag, sized, slots, Source, type Slot } from "./source.ts";

export type Write<T> = (writer: Writer, value: T) => void;

/** The function that writes one version: a call of the writer for each field. */
export function compileWrite<W>(type: Type<unknown>, version: number, flexible: boolean): Write<W> {
  const source = new Source(version, flexible);
  return source.build(structWriter(type.fields as Fields, "", source)) as Write<W>;
}

function structWriter(fields: Fields, path: string, source: Source): string {
  const lines: string[] = [];
  const all = slots(fields, source);
  for (const slot of all) if (slot.plain) lines.push(statement(slot.type, memberOf(slot, source), path + slot.name, source));
  if (source.flexible) tagBuffer(all.filter(({ inTags }) => inTags).sort(byTag), path, lines, source);
  const name = source.name("write");
  source.add(`function ${name}(w, v) {\n${lines.join("\n")}\n}`);
  return name;
}

function memberOf(slot: Slot, source: Source): string {
  const optional = slot.since > 0 || slot.until !== Infinity || slot.fallback !== undefined;
  return optional ? `(v.${slot.name} === undefined ? ${source.constant(defaultOf(slot))} : v.${slot.name})` : `v.${slot.name}`;
}

function tagBuffer(tags: readonly Slot[], path: string, lines: string[], source: Source): void {
  const kept = source.constant(noTags);
  lines.push(`const kept = v.unknownTags === undefined ? ${kept} : v.unknownTags; let next = 0;`);
  const present = tags.map((slot) => ({ slot, name: source.name("p") }));
  for (const { slot, name } of present) lines.push(`const ${name} = ${differs(slot, `v.${slot.name}`, source)};`);
  lines.push(`w.uvarint(kept.length${present.map(({ name }) => ` + (${name} ? 1 : 0)`).join("")});`);
  for (const { slot, name } of present) {
    const from = source.name("t");
    const body = statement(slot.type, `v.${slot.name}`, path + slot.name, source);
    lines.push(
      `next = w.kept(kept, next, ${slot.tag});`,
      `if (${name}) { const ${from} = w.beginTag(${slot.tag}); ${body} w.endTag(${from}); }`,
    );
  }
  lines.push("w.kept(kept, next, Infinity);");
}

const noTags: readonly unknown[] = Object.freeze([]);

/** Whether the value is neither left out nor equal to its default. */
function differs(slot: Slot, value: string, source: Source): string {
  const fallback = defaultOf(slot);
  if (slot.type.kind === "array" && fallback !== null) return `(${value} !== undefined && ${value}.length > 0)`;
  if (slot.type.kind !== "struct" || fallback === null) return `(${value} !== undefined && ${value} !== ${source.constant(fallback)})`;
  const members = Object.entries(slot.type.fields as Fields).map(
    ([name, entry]) => `${value}.${name} !== ${source.constant(defaultOf(fieldOf(entry)))}`,
  );
  return `(${value} !== undefined && (${members.join(" || ")} || ${value}.unknownTags !== undefined))`;
}

/** Source text that writes the value of the expression `value`, which is evaluated more than once. */
function statement(type: Type<unknown>, value: string, path: string, source: Source): string {
  const field = JSON.stringify(path);
  const nullable = source.version >= type.nullableFrom;
  switch (type.kind) {
    case "struct": {
      const write = structWriter(type.fields as Fields, `${path}.`, source);
      return nullable ? `if (w.present(${value})) ${write}(w, ${value});` : `${write}(w, ${value});`;
    }
    case "array": {
      const [list, count, index] = [source.name("a"), source.name("n"), source.name("i")];
      const item = statement(type.element as Type<unknown>, `${list}[${index}]`, path, source);
      return (
        `const ${list} = ${value}, ${count} = w.${sized(type as Type<unknown> & { kind: "array" }, source)}(${list}, ${field});\n` +
        `for (let ${index} = 0; ${index} < ${count}; ${index}++) { ${item} }`
      );
    }
    case "string":
    case "bytes":
    case "records":
      return `w.${sized(type as Type<unknown> & { kind: "string" }, source)}(${value}, ${field});`;
    default:
      return `w.${type.kind}(${value}, ${field});`;
  }
}
