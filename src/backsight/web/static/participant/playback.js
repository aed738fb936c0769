// Play a recorded skeleton, over the video where one was recorded. Knows no camera and no server.

import { drawSkeleton, fitCanvas } from "./skeleton.js";

export class Playback {
  #canvas;
  #video;
  #seek;
  #button;
  #lines;
  #recorder = null;
  #startedMs = null;
  #shownS = 0;

  /** @param {HTMLElement} root holds a canvas, a video, a range and a button @param {[number, number][]} lines */
  constructor(root, lines) {
    this.#canvas = root.querySelector("canvas");
    this.#video = root.querySelector("video");
    this.#seek = root.querySelector("input[type=range]");
    this.#button = root.querySelector("button");
    this.#lines = lines;
    this.#button.addEventListener("click", () => (this.#startedMs === null ? this.play() : this.pause()));
    this.#seek.addEventListener("input", () => {
      this.pause();
      if (!this.#video.hidden) this.#video.currentTime = Number(this.#seek.value);
      this.#show(Number(this.#seek.value));
    });
  }

  open(recorder) {
    this.close();
    this.#recorder = recorder;
    if (recorder.video) this.#video.src = URL.createObjectURL(recorder.video);
    this.#video.hidden = !recorder.video;
    this.#seek.max = recorder.durationS.toFixed(2);
    fitCanvas(this.#canvas, recorder.size.width, recorder.size.height);
    this.#shownS = 0;
    this.#show(0);
  }

  play() {
    if (this.#shownS >= this.#recorder.durationS) this.#shownS = 0;
    this.#startedMs = performance.now() - 1000 * this.#shownS;
    this.#button.textContent = "Pause";
    if (!this.#video.hidden) {
      this.#video.currentTime = this.#shownS;
      this.#video.play().catch(() => {});
    }
    requestAnimationFrame(() => this.#step());
  }

  pause() {
    this.#startedMs = null;
    this.#button.textContent = "Play";
    if (!this.#video.hidden) this.#video.pause();
  }

  /** Let go of the video, which is as large in memory as it was recorded. */
  close() {
    this.pause();
    if (this.#video.src) URL.revokeObjectURL(this.#video.src);
    this.#video.removeAttribute("src");
    this.#video.hidden = true;
  }

  #step() {
    if (this.#startedMs === null) return;
    const timeS = (performance.now() - this.#startedMs) / 1000;
    this.#show(Math.min(timeS, this.#recorder.durationS));
    if (timeS >= this.#recorder.durationS) this.pause();
    else requestAnimationFrame(() => this.#step());
  }

  #show(timeS) {
    this.#shownS = timeS;
    this.#seek.value = timeS;
    this.#seek.setAttribute("aria-valuetext", `${timeS.toFixed(1)} of ${this.#recorder.durationS.toFixed(1)} seconds`);
    const frames = this.#recorder.frames;
    const after = frames.findIndex((one) => one.timeS > timeS);
    const now = frames[after < 0 ? frames.length - 1 : Math.max(after - 1, 0)];
    drawSkeleton(this.#canvas, now?.marks ?? null, this.#lines);
  }
}
