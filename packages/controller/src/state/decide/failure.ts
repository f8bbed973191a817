import { ProtocolError } from "@ottla/protocol";

export const success = { errorCode: 0, errorMessage: "" } as const;

/** How an answer says that one of its items was refused. Anything but a refusal is thrown on. */
export function failure(error: unknown): { errorCode: number; errorMessage: string } {
  if (!(error instanceof ProtocolError)) throw error;
  return { errorCode: error.code, errorMessage: error.message };
}
