import { ProtocolError } from "../errors.ts";

const maxLength = 249;

/** @throws ProtocolError INVALID_TOPIC_EXCEPTION */
export function checkTopicName(name: string): void {
  const fault =
    name === ""
      ? "is empty"
      : name === "." || name === ".."
        ? "is a directory's name"
        : name.length > maxLength
          ? `has ${name.length} characters, the limit is ${maxLength}`
          : /^[A-Za-z0-9._-]+$/.test(name)
            ? null
            : `holds ${JSON.stringify(/[^A-Za-z0-9._-]/u.exec(name)?.[0])}`;
  if (fault === null) return;
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  throw new ProtocolError(
    "INVALID_TOPIC_EXCEPTION",
    `Topic name ${JSON.stringify(shown)} ${fault}: a name is 1 to ${maxLength} of the characters A-Z a-z 0-9 . _ -, and neither "." nor ".."`,
  );
}
