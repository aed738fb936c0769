// What every recording is, whatever leaves this device of it: its name at the server, its length, what to play back.

import { postJson, wait } from "./api.js";
import { toFrame } from "./frames.js";

const TRIES = 6;

export class Recording {
  #token;
  #firstMs = null;
  #lastS = -1;

  /** The server's name of the recording. */
  id = null;
  /** Times in seconds and places of the landmarks, for playing back. */
  frames = [];
  /** Of the camera's picture, {width, height}. */
  size = null;

  /** @param {string} token the page's form token @param {(isWaiting: boolean) => void} onWaiting told when the line is bad */
  constructor(token, onWaiting) {
    this.#token = token;
    this.onWaiting = onWaiting;
  }

  get token() {
    return this.#token;
  }

  /** Tell the server that a recording begins. */
  async announce(about) {
    ({ id: this.id } = await this.post("", about));
    this.size = { width: about.width, height: about.height };
  }

  get durationS() {
    return Math.max(this.#lastS, 0);
  }

  /** Whether anybody was seen for at least this share of the recording. */
  sawSomebody(share) {
    return this.frames.filter((one) => one.marks).length >= share * this.frames.length;
  }

  /** Take what was found in a picture; returns it as the server takes it, or null for a picture shown twice. */
  take(found, timeMs) {
    this.#firstMs ??= timeMs;
    const timeS = (timeMs - this.#firstMs) / 1000;
    // The clock must go forward.
    if (timeS <= this.#lastS + 1e-6) return null;
    this.#lastS = timeS;
    const marks = found.landmarks[0]?.map(({ x, y, visibility }) => ({ x, y, visibility })) ?? null;
    this.frames.push({ timeS, marks });
    return toFrame(found, timeS);
  }

  /** Keep it with the rating; returns where to go on. */
  async keep(rating) {
    return await this.post(`/${this.id}/keep`, { rating });
  }

  /** Throw it away, here and on the server. */
  async discard() {
    if (this.id) await this.post(`/${this.id}/discard`, {});
  }

  /** Go on with a recording that the server has, to rate it. */
  resume(id) {
    this.id = id;
  }

  /** Every request may be sent twice without harm, so a lost answer is asked for again. */
  async post(path, document) {
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await postJson(`/take-part/recordings${path}`, JSON.stringify(document), this.#token);
        if (attempt > 1) this.onWaiting(false);
        return answer;
      } catch (error) {
        if (!error.mayPass || attempt === TRIES) throw error;
        this.onWaiting(true);
        await wait(500 * 2 ** (attempt - 1));
      }
    }
  }
}
