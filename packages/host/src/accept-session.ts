import { NetworkError, type Attributes, type Service, type Session } from "./network.ts";

/** Anything but a NetworkError is a mistake of the service; the peer hears of it rather than waiting. */
export function acceptSession(
  service: Service,
  session: Session,
): { readonly attributes: Attributes } | { readonly refused: { code: string; message: string } } {
  try {
    return { attributes: service.accept(session) };
  } catch (error) {
    if (error instanceof NetworkError) return { refused: { code: error.reason.code ?? "UNAVAILABLE", message: error.reason.message } };
    return {
      refused: {
        code: "INTERNAL",
        message: `${service.name} failed to accept the session: ${error instanceof Error ? error.message : String(error)}`,
      },
    };
  }
}
