// Send landmarks in chunks while they are found, and keep each until the server has it. Knows no camera and no page.

import { wait } from "./api.js";

const FRAMES_IN_CHUNK = 30;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

/**
 * @param {(number: number, body: string) => Promise<void>} send throws an error with `mayPass`
 * @param {(isWaiting: boolean) => void} onWaiting told when the line is bad, and when it is good again
 */
export class ChunkSender {
  #send;
  #onWaiting;
  #frames = [];
  #queue = [];
  #nChunks = 0;
  #isClosed = false;
  #failure = null;
  #running = null;

  constructor(send, onWaiting = () => {}) {
    this.#send = send;
    this.#onWaiting = onWaiting;
  }

  /** Why nothing more is sent, or null. */
  get failure() {
    return this.#failure;
  }

  /** Whether something is here that the server has not got. */
  get isBehind() {
    return !this.#isClosed && !this.#failure && (this.#frames.length > 0 || this.#queue.length > 0);
  }

  push(frame) {
    this.#frames.push(frame);
    if (this.#frames.length >= FRAMES_IN_CHUNK) this.#cut();
  }

  /** Wait until the server has everything; returns the number of chunks. */
  async finish() {
    if (this.#frames.length) this.#cut();
    await this.#running;
    if (this.#failure) throw this.#failure;
    return this.#nChunks;
  }

  /** Forget what was not sent. */
  close() {
    this.#isClosed = true;
    this.#frames = [];
    this.#queue = [];
  }

  #cut() {
    // Written once: the same chunk sent twice must be the same to the last digit.
    this.#queue.push({ number: this.#nChunks++, body: JSON.stringify({ frames: this.#frames }) });
    this.#frames = [];
    this.#running ??= this.#drain().finally(() => (this.#running = null));
  }

  async #drain() {
    let delay = FIRST_WAIT_MS;
    while (this.#queue.length && !this.#isClosed && !this.#failure) {
      const { number, body } = this.#queue[0];
      try {
        await this.#send(number, body);
        this.#queue.shift();
        if (delay !== FIRST_WAIT_MS) this.#onWaiting(false);
        delay = FIRST_WAIT_MS;
      } catch (error) {
        if (!error.mayPass) {
          this.#failure = error;
          return;
        }
        this.#onWaiting(true);
        // Not all phones of a study at the same moment, when a server comes back.
        await wait(delay * (0.5 + Math.random()));
        delay = Math.min(2 * delay, LONGEST_WAIT_MS);
      }
    }
  }
}
