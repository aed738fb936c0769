// Ask our own server for something, with the page's form token. Knows no page.

const LONGEST_MS = 30_000;

/** An answer that says no: `status` is HTTP's, 0 where there was no answer at all. */
export class ServerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }

  /** Whether the same request may succeed later: a bad line, a busy or restarting server. */
  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * Send JSON and return the JSON that comes back.
 * @param {string} url @param {string} body JSON @param {string} token the page's form token
 */
export async function postJson(url, body, token) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": token },
      body,
      // A line can fall silent without breaking.
      signal: AbortSignal.timeout?.(LONGEST_MS),
    });
  } catch {
    throw new ServerError("There is no connection to the study’s server.", 0);
  }
  const document = await answer.json().catch(() => null);
  if (answer.ok && document === null) throw new ServerError("The connection to the study’s server broke.", 0);
  if (!answer.ok) throw new ServerError(messageOf(document, answer.status), answer.status);
  return document;
}

/** What a refusal says to whoever holds the device. */
export function messageOf(document, status) {
  if (status === 401 || status === 403 || status === 410) return "Your link is no longer open on this page. Open your invitation link again.";
  return typeof document?.error === "string" ? document.error : `The server could not take this (${status}).`;
}

export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
