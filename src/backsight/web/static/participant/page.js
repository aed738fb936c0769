// What the pages of a participant share: their settings, and steps of which one is shown. Knows no camera.

/** Read what the server wrote into the page for its script. */
export function readConfig() {
  return JSON.parse(document.querySelector("[data-config]").dataset.config);
}

/** The page's form token. */
export function formToken() {
  return document.querySelector('meta[name="csrf-token"]').content;
}

/** Show one step of the page and tell those who cannot see it, by moving the focus to its heading. */
export function showStep(name) {
  for (const step of document.querySelectorAll("[data-step]")) step.hidden = step.dataset.step !== name;
  const shown = document.querySelector(`[data-step="${name}"]`);
  window.scrollTo({ top: 0 });
  shown.querySelector("h1, h2")?.focus({ preventScroll: true });
}

/** Call when the browser shows the page again as it was left, by its Back button: camera and form token may be stale. */
export function onReturn(then) {
  window.addEventListener("pageshow", (event) => event.persisted && then());
}

/** Say something to everybody: shown where there is a place for it, and read out by a screen reader. */
export class Announcer {
  #place;
  #lastMs = 0;
  #text = "";

  constructor(place) {
    this.#place = place;
  }

  /** Say it at once. */
  say(text) {
    this.#text = text;
    this.#lastMs = performance.now();
    this.#place.textContent = text;
  }

  /** Say it when it is new and the last words are some seconds ago, so that nobody is talked over. */
  mention(text) {
    if (text !== this.#text && performance.now() - this.#lastMs > 2500) this.say(text);
  }
}
