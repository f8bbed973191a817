/** A comment of the .proto file as TSDoc, with its line break; nothing without one. */
export function docComment(text: string | null | undefined, indent: string): string {
  if (text === null || text === undefined || text.trim() === "" || text.startsWith("----")) return "";
  const lines = text.trim().split("\n");
  return `${indent}/** ${lines.join(`\n${indent} * `)} */\n`;
}
