export interface Property {
  readonly name: string;
  readonly value: string;
  /** Of the line on which it begins, from 1. */
  readonly line: number;
  /** Why the escape in it cannot be read. */
  readonly problem?: string;
}

/** Reads the text of a `.properties` file as java.util.Properties does: `#` and `!` comments, `=`, `:` or white space after the name, a
 * backslash at the end of a line continues it, `\t \n \r \f \uXXXX` and any other escaped character for itself. */
export function parseProperties(text: string): Property[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  const properties: Property[] = [];
  for (let index = 0; index < lines.length;) {
    const line = index + 1;
    let logical = trimStart(lines[index++]);
    if (logical === "" || logical.startsWith("#") || logical.startsWith("!")) continue;
    while (endsInContinuation(logical)) {
      logical = logical.slice(0, -1);
      if (index === lines.length) break;
      logical += trimStart(lines[index++]);
    }
    if (logical !== "") properties.push(parseLine(logical, line));
  }
  return properties;
}

function trimStart(line: string | undefined): string {
  return (line ?? "").replace(/^[ \t\f]+/, "");
}

function endsInContinuation(line: string): boolean {
  let backslashes = 0;
  while (line[line.length - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

function parseLine(logical: string, line: number): Property {
  let end = 0;
  while (end < logical.length && !/[=: \t\f]/.test(logical.charAt(end))) end += logical[end] === "\\" ? 2 : 1;
  const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(logical.slice(end))?.[0].length;
  const rawValue = logical.slice(end + (separator ?? 0));
  const badEscape = /(?:^|[^\\])(?:\\\\)*(\\u(?![0-9A-Fa-f]{4}).{0,4})/.exec(logical)?.[1];
  const problem =
    badEscape === undefined
      ? {}
      : { problem: `has the escape ${badEscape}; \\u takes four hexadecimal digits, and a backslash itself is written \\\\` };
  return { name: unescape(logical.slice(0, end)), value: unescape(rawValue), line, ...problem };
}

const escapes = new Map([
  ["t", "\t"],
  ["n", "\n"],
  ["r", "\r"],
  ["f", "\f"],
]);

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|(.)|$)/gs, (_, code: string | undefined, letter: string | undefined) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    return letter === undefined ? "" : (escapes.get(letter) ?? letter);
  });
}
