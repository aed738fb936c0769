// A recording of which landmarks leave this device, in chunks while it goes on. Knows no camera and no page.

import { postJson } from "./api.js";
import { Recording } from "./recording.js";
import { ChunkSender } from "./sender.js";

export class LandmarkRecorder extends Recording {
  #sender = null;

  /** Tell the server that a recording begins. */
  async begin({ exercise, size, poseModel, engine }) {
    await this.announce({ exercise, mode: "landmarks", ...size, pose_model: poseModel, pose_engine: engine });
    const url = `/take-part/recordings/${this.id}/chunks/`;
    this.#sender = new ChunkSender((number, body) => postJson(`${url}${number}`, body, this.token), this.onWaiting);
  }

  /** Nothing is to be done: what comes from now on is sent. */
  start() {}

  get failure() {
    return this.#sender?.failure ?? null;
  }

  /** Whether something is here that the server has not got. */
  get isBehind() {
    return this.#sender?.isBehind ?? false;
  }

  take(found, timeMs) {
    const frame = super.take(found, timeMs);
    if (frame) this.#sender.push(frame);
    return frame;
  }

  /** Wait until the server has all of it. */
  async finish() {
    const nChunks = await this.#sender.finish();
    await this.post(`/${this.id}/finish`, { n_chunks: nChunks });
  }

  async discard() {
    this.#sender?.close();
    await super.discard();
  }
}
