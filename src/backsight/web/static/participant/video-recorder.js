// A recording of which the video leaves this device, once it is kept. Knows no page.

import { Film } from "./film.js";
import { forget, hold } from "./held.js";
import { Recording } from "./recording.js";
import { VideoSender } from "./video-sender.js";

export class VideoRecorder extends Recording {
  #film = null;
  #video = null;
  #durationS = null;
  #sender = null;
  #sending = null;
  #uploader;
  #onProgress;

  /** Why it cannot be sent, or null: the server refused it for good. */
  refusal = null;

  /**
   * @param {string} token @param {(isWaiting: boolean) => void} onWaiting
   * @param {string} uploader address of tus-js-client @param {(sent: number, total: number) => void} onProgress in bytes
   */
  constructor(token, onWaiting, uploader, onProgress) {
    super(token, onWaiting);
    this.#uploader = uploader;
    this.#onProgress = onProgress;
  }

  /** Tell the server that a recording begins. */
  async begin({ exercise, size, stream }) {
    this.#film = new Film(stream);
    await this.announce({ exercise, mode: "video", ...size });
  }

  start() {
    this.#film.start();
  }

  get failure() {
    return this.#film?.failure ?? null;
  }

  /** Whether a video is here that the server has not got. */
  get isBehind() {
    return this.#video !== null;
  }

  /** The video, to play it back. */
  get video() {
    return this.#video;
  }

  get durationS() {
    return this.#durationS ?? super.durationS;
  }

  /** Close the video and hold it; nothing is sent before it is kept. */
  async finish() {
    const video = await this.#film.stop();
    if (!video.size) throw new Error("the browser recorded no video.");
    this.#video = video;
    await hold(this.id, { blob: video, durationS: this.durationS });
  }

  /** Take up a recording whose video this browser held, or that the server has already (no video). */
  resume(id, held = null) {
    super.resume(id);
    this.#video = held?.blob ?? null;
    this.#durationS = held?.durationS ?? null;
  }

  /** Begin to send the video; goes on by itself. */
  send({ goesOn = false } = {}) {
    if (this.#video === null || this.#sending) return;
    this.#sender = new VideoSender({
      library: () => loadUploader(this.#uploader),
      recordingId: this.id,
      token: this.token,
      onProgress: this.#onProgress,
      onWaiting: this.onWaiting,
    });
    const done = async () => {
      await this.#sender.send(this.#video, { goesOn });
      await this.#let();
    };
    this.#sending = done();
    this.#sending.catch((error) => (this.refusal = error));
  }

  /** Resolves when the server has the video; throws what it refused. */
  async sent() {
    await this.#sending;
  }

  /** Keep it with the rating, once the video is there. */
  async keep(rating) {
    await this.sent();
    return await super.keep(rating);
  }

  async discard() {
    this.#sender?.close();
    if (this.#video === null && this.#film) await this.#film.stop();
    await this.#let();
    await super.discard();
  }

  async #let() {
    this.#video = null;
    if (this.id) await forget(this.id);
  }
}

/** Its build is a script of the old kind, which names itself on the window. */
async function loadUploader(address) {
  if (!window.tus) await import(address);
  return window.tus;
}
