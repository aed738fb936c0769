// How far the camera check has come: its rows, its sentence and whether one may go on, always of the same look.
// Knows no camera and no page.

const GOOD_FOR_MS = 2000;
const PASSED = "Everything is good. You can go on.";
const NEARLY = "Good. Stay like this for a moment.";

export class CheckState {
  #lines = [];
  #goodSinceMs = null;
  #isPassed = false;

  /** Begin anew, as with another camera; `lines` are those of a check that has seen nothing. */
  reset(lines) {
    this.#lines = lines;
    this.#goodSinceMs = null;
    this.#isPassed = false;
  }

  /**
   * Take what a look found. Once passed it stays passed, with the rows it was passed with: to press the button, people
   * leave their place.
   * @param {{name: string, state: string, text: string}[]} lines @param {number} nowMs
   */
  take(lines, nowMs) {
    if (this.#isPassed) return;
    this.#lines = lines;
    const isGood = lines.every(({ state }) => state === "good");
    this.#goodSinceMs = isGood ? (this.#goodSinceMs ?? nowMs) : null;
    this.#isPassed = isGood && nowMs - this.#goodSinceMs >= GOOD_FOR_MS;
  }

  get lines() {
    return this.#lines;
  }

  get isPassed() {
    return this.#isPassed;
  }

  /** What to do now, in one sentence; empty while there is nothing to go by. */
  get sentence() {
    if (this.#isPassed) return PASSED;
    if (this.#goodSinceMs !== null) return NEARLY;
    return this.#lines.find(({ state }) => state === "bad")?.text ?? "";
  }

  /** What was found, by name, as the server keeps it. */
  get found() {
    return Object.fromEntries(this.#lines.map(({ name, state }) => [name, state]));
  }
}
