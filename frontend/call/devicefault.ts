// Why a microphone or camera did not open, in kinds that the page has repair steps for.

/** `refused`: by the person or the browser; `dismissed`: the browser's question was closed; `system`: by what is below the browser. */
export type DeviceFault = "refused" | "dismissed" | "system" | "missing" | "busy" | "insecure" | "unknown";

export function deviceFault(error: unknown): DeviceFault {
  const name = typeof error === "object" && error !== null && "name" in error ? String(error.name) : "";
  switch (name) {
    case "NotAllowedError":
    case "PermissionDeniedError":
    case "SecurityError":
      return whoRefused(error);
    case "NotFoundError":
    case "DevicesNotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return "busy";
    case "InsecureContextError":
      return "insecure";
    default:
      return "unknown";
  }
}

/** By the words of the Chromium family; the others have one sentence for all. */
function whoRefused(error: unknown): DeviceFault {
  const message = typeof error === "object" && error !== null && "message" in error ? String(error.message) : "";
  if (/by system/.test(message)) return "system";
  return /dismissed/.test(message) ? "dismissed" : "refused";
}
