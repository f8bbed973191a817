import type { Reader } from "../reader.ts";
import type { Fields, Type } from "../schema.ts";
import { defaultOf } from "./defaults.ts";
import { leastBytes } from "./least-bytes.ts";
import { byTag, sized, slots, Source } from "./source.ts";

export type Read<T> = (reader: Reader) => T;

/** The function that reads one version: a call of the reader for each field, no branch on the version left. */
export function compileRead<T>(type: Type<unknown>, version: number, flexible: boolean): Read<T> {
  const source = new Source(version, flexible);
  return source.build(structReader(type.fields as Fields, "", source)) as Read<T>;
}

function structReader(fields: Fields, path: string, source: Source): string {
  const all = slots(fields, source).map((slot) => ({ ...slot, local: source.name("f") }));
  const lines: string[] = [];
  for (const slot of all) {
    const value = slot.plain ? expression(slot.type, path + slot.name, lines, source) : source.constant(defaultOf(slot));
    lines.push(`let ${slot.local} = ${value};`);
  }
  const field = JSON.stringify(`${path}tags`);
  if (source.flexible) {
    const cases: string[] = [];
    for (const slot of all.filter(({ inTags }) => inTags).sort(byTag)) {
      const body: string[] = [];
      const value = expression(slot.type, path + slot.name, body, source);
      cases.push(`case ${slot.tag}: { ${body.join(" ")} ${slot.local} = ${value}; break; }`);
    }
    lines.push(
      "let unknown;",
      `for (let left = r.tagCount(${field}), tag = -1; left > 0; left--) {`,
      `tag = r.tag(tag, ${field}); const outer = r.enter(${field});`,
      `switch (tag) { ${cases.join(" ")} default: unknown = r.keep(unknown, tag); }`,
      `r.leave(outer, ${field}); }`,
    );
  }
  const members = all.map(({ name, local }) => `${name}: ${local}`).join(", ");
  const value = source.flexible
    ? `if (unknown !== undefined) return { ${members}, unknownTags: unknown };\nreturn { ${members} };`
    : `return { ${members} };`;
  const name = source.name("read");
  source.add(`function ${name}(r) {\n${lines.join("\n")}\n${value}\n}`);
  return name;
}

/** Source text for the value; what must happen before is added to `lines`. */
function expression(type: Type<unknown>, path: string, lines: string[], source: Source): string {
  const field = JSON.stringify(path);
  switch (type.kind) {
    case "struct": {
      const read = structReader(type.fields as Fields, `${path}.`, source);
      return source.version >= type.nullableFrom ? `r.present(${field}) ? ${read}(r) : null` : `${read}(r)`;
    }
    case "array":
      return arrayExpression(type as ArrayType, path, lines, source);
    case "string":
    case "bytes":
    case "records":
      return `r.${sized(type as ArrayType, source)}(${field})`;
    default:
      return `r.${type.kind}(${field})`;
  }
}

type ArrayType = Type<unknown> & { readonly kind: "array" };

function arrayExpression(type: ArrayType, path: string, lines: string[], source: Source): string {
  const element = type.element as Type<unknown>;
  const [count, list, index] = [source.name("n"), source.name("a"), source.name("i")];
  const body: string[] = [];
  const item = expression(element, path, body, source);
  lines.push(
    `const ${count} = r.${sized(type, source)}(${leastBytes(element, source)}, ${JSON.stringify(path)});`,
    `const ${list} = ${source.version >= type.nullableFrom ? `${count} < 0 ? null : []` : "[]"};`,
    `for (let ${index} = 0; ${index} < ${count}; ${index}++) { ${body.join(" ")} ${list}.push(${item}); }`,
  );
  return list;
}
