// One recording: frames in, chunks out to the server, and what is needed to play it back. Knows no camera and no page.

import { postJson, wait } from "./api.js";
import { toFrame } from "./frames.js";
import { ChunkSender } from "./sender.js";

const TRIES = 6;

export class Recorder {
  #token;
  #sender = null;
  #firstMs = null;
  #lastS = -1;

  /** The server's name of the recording. */
  id = null;
  /** Times in seconds and places of the landmarks, for playing back. */
  frames = [];

  /** @param {string} token the page's form token @param {(isWaiting: boolean) => void} onWaiting */
  constructor(token, onWaiting) {
    this.#token = token;
    this.onWaiting = onWaiting;
  }

  /** Tell the server that a recording begins. */
  async begin({ exercise, size, poseModel, engine }) {
    const about = { exercise, mode: "landmarks", ...size, pose_model: poseModel, pose_engine: engine };
    ({ id: this.id } = await this.#post("", about));
    this.size = { ...size };
    const url = `/take-part/recordings/${this.id}/chunks/`;
    this.#sender = new ChunkSender((number, body) => postJson(`${url}${number}`, body, this.#token), this.onWaiting);
  }

  get failure() {
    return this.#sender?.failure ?? null;
  }

  get isBehind() {
    return this.#sender?.isBehind ?? false;
  }

  get durationS() {
    return Math.max(this.#lastS, 0);
  }

  /** Whether anybody was seen for at least this share of the recording. */
  sawSomebody(share) {
    return this.frames.filter((one) => one.marks).length >= share * this.frames.length;
  }

  /** Take what was found in a picture. */
  take(found, timeMs) {
    this.#firstMs ??= timeMs;
    const timeS = (timeMs - this.#firstMs) / 1000;
    // A browser may show a picture twice; the clock must go forward.
    if (timeS <= this.#lastS + 1e-6) return;
    this.#lastS = timeS;
    this.#sender.push(toFrame(found, timeS));
    const marks = found.landmarks[0]?.map(({ x, y, visibility }) => ({ x, y, visibility })) ?? null;
    this.frames.push({ timeS, marks });
  }

  /** Wait until the server has all of it. */
  async finish() {
    const nChunks = await this.#sender.finish();
    await this.#post(`/${this.id}/finish`, { n_chunks: nChunks });
  }

  /** Keep it with the rating; returns where to go on. */
  async keep(rating) {
    return await this.#post(`/${this.id}/keep`, { rating });
  }

  /** Throw it away, here and on the server. */
  async discard() {
    this.#sender?.close();
    if (this.id) await this.#post(`/${this.id}/discard`, {});
  }

  /** Go on with a recording that the server has, to rate it. */
  resume(id) {
    this.id = id;
  }

  /** Every request may be sent twice without harm, so a lost answer is asked for again. */
  async #post(path, document) {
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
