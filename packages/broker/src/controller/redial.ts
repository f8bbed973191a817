import { type Attributes, type Clock, deadline, delay, type Logger, NetworkError, type Session } from "@ottla/host";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
const DIAL_TIMEOUT_MS = 5000;

export interface Dialler {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly service: string;
  attributes(): Attributes;
  dialController(service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
  /** Uses the session until it ends; its rejection ends the session too. */
  serve(session: Session): Promise<void>;
}

/** Keeps one session with the controllers until `stop` aborts: dials again when it breaks, at once after one that worked, then ever later. */
export async function keepSession(dialler: Dialler, stop: AbortSignal): Promise<void> {
  let pauseMs = 0;
  while (!stop.aborted) {
    try {
      const session = await dial(dialler, stop);
      const startedMs = dialler.clock.monotonicMs();
      const end = (): void => session.close();
      if (stop.aborted) return end();
      stop.addEventListener("abort", end, { once: true });
      try {
        await dialler.serve(session);
      } finally {
        stop.removeEventListener("abort", end);
        session.close();
      }
      if (dialler.clock.monotonicMs() - startedMs >= LONGEST_PAUSE_MS) pauseMs = 0;
    } catch (error) {
      if (stop.aborted) return;
      const refused = error instanceof NetworkError && error.reason.kind === "rejected";
      dialler.logger[refused ? "warn" : "debug"](
        { service: dialler.service, err: error },
        "A session with the controllers failed; it is dialled again",
      );
    }
    pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pauseMs * 2));
    await delay(dialler.clock, pauseMs, stop).catch(() => {});
  }
}

async function dial(dialler: Dialler, stop: AbortSignal): Promise<Session> {
  const limit = deadline(dialler.clock, DIAL_TIMEOUT_MS, "Dialling the controller", stop);
  try {
    return await dialler.dialController(dialler.service, dialler.attributes(), limit.signal);
  } finally {
    limit.cancel();
  }
}
