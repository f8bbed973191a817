import { Argument, Command } from "commander";
import type { Surroundings } from "../invocation.ts";

/** Scripts are written out from the commands themselves, so that they never lag behind. */
export function completionCommand({ terminal }: Surroundings, program: Command): Command {
  return new Command("completion")
    .description("print a completion script: source <(ottla completion bash)")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .action(async (shell: "bash" | "zsh" | "fish") => {
      const words = wordsByCommand(program);
      await terminal.write(shell === "fish" ? fish(words) : bash(words, shell === "zsh"));
    });
}

/** What may follow each command path: "" the commands, "topic" its subcommands, "topic create" its options. */
function wordsByCommand(program: Command): Map<string, string[]> {
  const words = new Map<string, string[]>();
  const visit = (command: Command, path: string): void => {
    const subcommands = command.commands.map((one) => one.name());
    const options = command.options.flatMap(({ long }) => (long ? [long] : []));
    const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
    words.set(path, [...subcommands, ...choices, ...options, "--help"]);
    for (const one of command.commands) visit(one, path === "" ? one.name() : `${path} ${one.name()}`);
  };
  visit(program, "");
  return words;
}

function bash(words: ReadonlyMap<string, readonly string[]>, zsh: boolean): string {
  const cases = [...words].map(([path, list]) => `    "${path}") words="${list.join(" ")}" ;;`).join("\n");
  return `${zsh ? "autoload -Uz +X compinit bashcompinit\n(( $+functions[compdef] )) || compinit\nbashcompinit\n" : ""}_ottla() {
  local typed="" word words=""
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
    case "$word" in -*) ;; *) case "$typed" in "") typed="$word" ;; *" "*) ;; *) typed="$typed $word" ;; esac ;; esac
  done
  case "$typed" in
${cases}
    *) case "\${typed%% *}" in
${[...words]
  .filter(([path]) => path !== "" && !path.includes(" "))
  .map(([path, list]) => `      "${path}") words="${list.join(" ")}" ;;`)
  .join("\n")}
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _ottla ottla
`;
}

function fish(words: ReadonlyMap<string, readonly string[]>): string {
  const lines = ["complete -c ottla -f"];
  for (const [path, list] of words) {
    const condition =
      path === ""
        ? "__fish_use_subcommand"
        : path
            .split(" ")
            .map((part) => `__fish_seen_subcommand_from ${part}`)
            .join("; and ");
    for (const word of list)
      lines.push(`complete -c ottla -n "${condition}" ${word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`}`);
  }
  return `${lines.join("\n")}\n`;
}
