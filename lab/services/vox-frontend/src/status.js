// What the page says about an answer of the backend's health page. No DOM here, so that it is tested.

/**
 * @param {unknown} body the health page, or null when there was no answer
 * @returns {{state: "ok" | "degraded" | "unknown", sentence: string, checks: [string, string][]}}
 */
export function describe(body) {
  if (typeof body !== "object" || body === null || typeof body.status !== "string") {
    return { state: "unknown", sentence: "The backend does not answer.", checks: [] };
  }
  const checks = Object.entries(body.checks ?? {}).map(([name, state]) => [name, String(state)]);
  if (body.status === "ok") {
    return { state: "ok", sentence: `The backend is well (release ${body.version}).`, checks };
  }
  const away = checks.filter(([, state]) => state !== "ok").map(([name]) => name);
  return { state: "degraded", sentence: `The backend misses: ${away.join(", ")}.`, checks };
}
