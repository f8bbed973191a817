import { execFile, execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const project = "ottla-test";
const buildTimeoutMs = 600_000;

/** The repository's docker-compose.yml as it is, under a project name of its own. */
export class Compose implements AsyncDisposable {
  /** As docker-compose.yml publishes them on the host. */
  readonly bootstrap = ["localhost:9093", "localhost:9193", "localhost:9293"];

  /** What this machine lacks; null: nothing. */
  static whyNot(): string | null {
    try {
      execFileSync("docker", ["info"], { stdio: ["ignore", "ignore", "pipe"] });
      execFileSync("docker-compose", ["version"], { stdio: ["ignore", "ignore", "pipe"] });
      execFileSync("docker", ["image", "inspect", "node:24-bookworm-slim"], { stdio: ["ignore", "ignore", "pipe"] });
      return null;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return error.message.split("\n").findLast((line) => line !== "") ?? error.message;
    }
  }

  /** Builds the image as the README says, and starts the three nodes on empty volumes. */
  static async up(): Promise<Compose> {
    await run("docker", ["build", "--network=host", "--tag", "ottla", root], { timeout: buildTimeoutMs, maxBuffer: 64 << 20 });
    const compose = new Compose();
    await compose.#compose("down", "--volumes", "--remove-orphans");
    await compose.#compose("up", "--detach", "--no-build");
    return compose;
  }

  kill(node: number): Promise<unknown> {
    return run("docker", ["kill", container(node)]);
  }

  start(node: number): Promise<unknown> {
    return run("docker", ["start", container(node)]);
  }

  pause(node: number): Promise<unknown> {
    return run("docker", ["pause", container(node)]);
  }

  unpause(node: number): Promise<unknown> {
    return run("docker", ["unpause", container(node)]);
  }

  disconnect(node: number): Promise<unknown> {
    return run("docker", ["network", "disconnect", `${project}_default`, container(node)]);
  }

  connect(node: number): Promise<unknown> {
    return run("docker", ["network", "connect", "--alias", `ottla-${node}`, `${project}_default`, container(node)]);
  }

  /** The container and its volume go; an empty one takes their place. */
  async emptyVolume(node: number): Promise<void> {
    await run("docker", ["rm", "--force", container(node)]);
    await run("docker", ["volume", "rm", `${project}_ottla-${node}`]);
    await this.#compose("up", "--detach", "--no-build", `ottla-${node}`);
  }

  /** A new container on the same volume, as after a new image. */
  async recreate(node: number): Promise<void> {
    await this.#compose("up", "--detach", "--no-build", "--no-deps", "--force-recreate", `ottla-${node}`);
  }

  /** Runs the command in a container of its own on the nodes' network. */
  async inside(...args: string[]): Promise<string> {
    return (await run("docker", ["run", "--rm", "--network", `${project}_default`, "ottla", ...args])).stdout;
  }

  /** The health that the engine reports, by the image's own check. */
  async health(node: number): Promise<string> {
    return (await run("docker", ["inspect", "--format", "{{.State.Health.Status}}", container(node)])).stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compose("down", "--volumes", "--timeout", "20");
  }

  #compose(...args: string[]): Promise<unknown> {
    return run("docker-compose", ["--project-name", project, "--file", join(root, "docker-compose.yml"), ...args]);
  }
}

/** As docker-compose 1 names it. */
function container(node: number): string {
  return `${project}_ottla-${node}_1`;
}
