/** Aborted by the first SIGINT or SIGTERM, so that a command ends in order; the second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new InterruptedError(name));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  // A process that was started with a channel, such as a node of `ottla cluster start`, must not outlive who holds the other end.
  if (process.connected) {
    process.once("disconnect", () => onSignal("SIGHUP"));
    process.channel?.unref();
  }
  return controller.signal;
}

export class InterruptedError extends Error {
  constructor(name: NodeJS.Signals) {
    super(`Ended by ${name}`);
    this.name = "InterruptedError";
  }
}
