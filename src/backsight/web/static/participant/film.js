// Record a camera's picture as a video, here in the browser. Knows no page and no server.

import { wait } from "./api.js";

// What the server takes and browsers record. H.264 first: phones encode it in hardware, which leaves the processor to
// the live skeleton. VP8 before VP9, as software encodes it faster.
export const KINDS = [
  "video/mp4;codecs=avc1.42E01F",
  "video/mp4;codecs=avc1",
  "video/webm;codecs=vp8",
  "video/webm;codecs=vp9",
  "video/mp4",
  "video/webm",
];
const BITS_PER_SECOND = 4_000_000; // 1280 x 720 with sharp limbs; a minute is 30 MB
const PART_MS = 1000;
const LONGEST_STOP_MS = 5000;

/** Why no video can be recorded here; the message is for whoever holds the device. */
export class FilmError extends Error {}

/** The first kind of video that this browser records, or null. */
export function kindOfFilm(recorder = globalThis.MediaRecorder) {
  return (recorder && KINDS.find((kind) => recorder.isTypeSupported(kind))) ?? null;
}

export class Film {
  #recorder;
  #parts = [];
  #over;
  #isStarted = false;

  /** Why the video broke off, or null. */
  failure = null;

  /** @param {MediaStream} stream of the camera */
  constructor(stream) {
    const kind = kindOfFilm();
    if (!kind) throw new FilmError("This browser cannot record video. Please use a current version of Chrome, Edge, Firefox or Safari.");
    this.#recorder = new MediaRecorder(stream, { mimeType: kind, videoBitsPerSecond: BITS_PER_SECOND });
    this.#recorder.addEventListener("dataavailable", ({ data }) => data.size && this.#parts.push(data));
    this.#recorder.addEventListener("error", () => (this.failure = new FilmError("The browser stopped recording the video.")));
    // It also stops by itself, when the camera is taken away.
    this.#over = new Promise((resolve) => this.#recorder.addEventListener("stop", resolve));
  }

  start() {
    this.#isStarted = true;
    this.#recorder.start(PART_MS);
  }

  /** Stop, and return the video, empty when nothing was recorded. */
  async stop() {
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
    if (this.#isStarted) await Promise.race([this.#over, wait(LONGEST_STOP_MS)]);
    return new Blob(this.#parts, { type: this.#recorder.mimeType.split(";")[0] });
  }
}
