// Two small places of an exercise's page: how far a video is sent, and the index so far. Knows no camera and no server.

const MEGABYTE = 1e6;

/** How far a video is on its way. */
export class SendingPanel {
  #root;
  #line;
  #text;

  constructor(root) {
    this.#root = root;
    this.#line = root.querySelector("progress");
    this.#text = root.querySelector("[data-sent]");
  }

  show() {
    this.#root.hidden = false;
    this.#root.dataset.state = "sending";
    this.#line.value = 0;
    this.#text.textContent = "";
  }

  hide() {
    this.#root.hidden = true;
  }

  /** @param {number} sent @param {number} total in bytes */
  move(sent, total) {
    this.#line.value = total ? sent / total : 0;
    const [done, all] = [sent, total].map((bytes) => (bytes / MEGABYTE).toFixed(1));
    this.#text.textContent = sent < total ? `${done} of ${all} MB` : "All sent. The study’s server looks at it now.";
  }

  finish() {
    this.#root.dataset.state = "sent";
    this.#line.value = 1;
    this.#text.textContent = "Your video has arrived.";
  }
}

/** The index so far, where the study shows it. */
export class IndexPanel {
  #root;

  /** @param {HTMLElement | null} root null where the study does not show it */
  constructor(root) {
    this.#root = root;
  }

  clear() {
    this.#tell("…", "just begun");
  }

  /** @param {{index?: number | null, low?: number | null, high?: number | null, reason?: string}} answer of the server */
  show({ index, low, high, reason }) {
    const isKnown = typeof index === "number";
    const range = typeof low === "number" && typeof high === "number" ? `likely ${low.toFixed(2)} to ${high.toFixed(2)}` : "";
    this.#tell(isKnown ? index.toFixed(2) : "…", isKnown ? range : (reason ?? ""));
  }

  /** The line to the server is gone; the recording is not. */
  lose() {
    this.#tell("–", "not available now; your recording goes on");
  }

  #tell(value, about) {
    if (!this.#root) return;
    this.#root.querySelector("[data-index]").textContent = value;
    this.#root.querySelector("[data-index-about]").textContent = about;
  }
}
