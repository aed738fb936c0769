// Send a video in pieces that are taken up again where the line broke (tus 1.0). Knows no camera and no page.

import { ServerError, messageOf, wait } from "./api.js";

const PIECE_BYTES = 2 ** 18; // what is sent again at most after a break; 2 s at 1 Mbit/s
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const STALLED_MS = 30_000;
const LOOKING_MS = 180_000; // with its last byte the server looks into the video
const MOST_CONFLICTS = 3;

export class VideoSender {
  #library;
  #url;
  #address;
  #token;
  #onProgress;
  #onWaiting;
  #isClosed = false;
  #upload = null;
  #wake = () => {};

  /**
   * @param {object} about
   * @param {() => Promise<{Upload: any}>} about.library gives tus-js-client
   * @param {string} about.recordingId @param {string} about.token the page's form token
   * @param {(sent: number, total: number) => void} about.onProgress in bytes
   * @param {(isWaiting: boolean) => void} about.onWaiting told when the line is bad, and when it is good again
   */
  constructor({ library, recordingId, token, onProgress, onWaiting }) {
    this.#library = library;
    this.#url = `/take-part/recordings/${recordingId}/video`;
    this.#address = `${this.#url}/${recordingId}`;
    this.#token = token;
    this.#onProgress = onProgress;
    this.#onWaiting = onWaiting;
  }

  /**
   * Send it, for as long as it takes; throws what the server refuses for good.
   * @param {Blob} blob @param {{goesOn: boolean}} options whether a part of it may be there from an earlier page
   */
  async send(blob, { goesOn }) {
    let delay = FIRST_WAIT_MS;
    let nConflicts = 0;
    for (let isFirst = !goesOn; ; isFirst = false) {
      try {
        await this.#attempt(blob, isFirst, () => {
          if (delay !== FIRST_WAIT_MS) this.#onWaiting(false);
          delay = FIRST_WAIT_MS;
          nConflicts = 0;
        });
        this.#onWaiting(false);
        return;
      } catch (error) {
        if (this.#isClosed) return;
        // Another offset than ours: ask again where to go on. The same conflict again and again is another matter.
        const isConflict = error.status === 409 && ++nConflicts < MOST_CONFLICTS;
        if (!error.mayPass && error.status !== 423 && !isConflict) throw error;
        if (!isConflict) this.#onWaiting(true);
        await this.#pause(delay * (0.5 + Math.random()));
        delay = Math.min(2 * delay, LONGEST_WAIT_MS);
      }
    }
  }

  /** Stop sending, for good. */
  close() {
    this.#isClosed = true;
    this.#upload?.abort();
    this.#wake();
  }

  /** Wait, but no longer than until the line is back. */
  async #pause(ms) {
    const online = new Promise((resolve) => {
      this.#wake = resolve;
      globalThis.addEventListener?.("online", resolve, { once: true });
    });
    await Promise.race([wait(ms), online]);
  }

  async #attempt(blob, isFirst, onMoved) {
    let Upload;
    try {
      ({ Upload } = await this.#library());
    } catch {
      throw new ServerError("There is no connection to the study’s server.", 0);
    }
    await new Promise((resolve, reject) => {
      let watch = 0;
      const settle = (how, what) => {
        clearTimeout(watch);
        how(what);
      };
      const stall = () => {
        upload.abort();
        settle(reject, new ServerError("The connection stands still.", 0));
      };
      const upload = new Upload(blob, {
        endpoint: this.#url,
        uploadUrl: isFirst ? null : this.#address,
        chunkSize: PIECE_BYTES,
        retryDelays: null, // the loop above knows what is worth another try
        storeFingerprintForResuming: false,
        headers: { "X-CSRF-Token": this.#token, Accept: "application/json" },
        metadata: { filename: "video", filetype: blob.type || "video/webm" },
        // The address is known; behind a proxy the server may take itself for another host.
        onUploadUrlAvailable: () => (upload.url = this.#address),
        onProgress: (sent, total) => {
          clearTimeout(watch);
          watch = setTimeout(stall, sent < total ? STALLED_MS : LOOKING_MS);
          this.#onProgress(sent, total);
        },
        onChunkComplete: onMoved,
        onError: (error) => settle(reject, toServerError(error)),
        onSuccess: () => settle(resolve),
      });
      this.#upload = upload;
      watch = setTimeout(stall, STALLED_MS);
      if (this.#isClosed) settle(reject, new ServerError("given up", 0));
      else upload.start();
    });
  }
}

function toServerError(error) {
  const answer = error.originalResponse;
  const status = answer?.getStatus() ?? 0;
  if (!status) return new ServerError("There is no connection to the study’s server.", 0);
  let document = null;
  try {
    document = JSON.parse(answer.getBody());
  } catch {
    // Not every answer says more than its number.
  }
  return new ServerError(messageOf(document, status), status);
}
