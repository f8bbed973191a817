/** What a module names in `import … from`, `export … from`, `import "…"`, `import("…")` `require("…")`
 * and `createRequire(…)("…")`. */
export function importedNames(source: string): string[] {
  const code = withoutComments(source);
  const statements =
    /^[ \t]*(?:import|export)\b[^;"'`]*?\bfrom\s*(["'])(.+?)\1|^[ \t]*import\s*(["'])(.+?)\3|(?:\b(?:import|require)|\bcreateRequire\([^()]*\))\(\s*(["'])(.+?)\5\s*\)/gm;
  return [...code.matchAll(statements)].map((match) => match[2] ?? match[4] ?? match[6] ?? "");
}

/** Blanks comments; leaves strings, which may hold `//`, alone. */
function withoutComments(source: string): string {
  return source.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (found) =>
    found.startsWith("/") ? " " : found,
  );
}

/** `@scope/name/deep/path` → `@scope/name` */
export function packageOf(name: string): string {
  return name.split("/", name.startsWith("@") ? 2 : 1).join("/");
}
