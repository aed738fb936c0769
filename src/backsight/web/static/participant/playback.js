// Play a recorded skeleton: no picture was kept, so there is none to show. Knows no camera and no server.

import { drawSkeleton, fitCanvas } from "./skeleton.js";

export class Playback {
  #canvas;
  #seek;
  #button;
  #lines;
  #recorder = null;
  #startedMs = null;
  #shownS = 0;

  /** @param {HTMLElement} root holds a canvas, a range and a button @param {[number, number][]} lines */
  constructor(root, lines) {
    this.#canvas = root.querySelector("canvas");
    this.#seek = root.querySelector("input[type=range]");
    this.#button = root.querySelector("button");
    this.#lines = lines;
    this.#button.addEventListener("click", () => (this.#startedMs === null ? this.play() : this.pause()));
    this.#seek.addEventListener("input", () => {
      this.pause();
      this.#show(Number(this.#seek.value));
    });
  }

  open(recorder) {
    this.#recorder = recorder;
    this.#seek.max = recorder.durationS.toFixed(2);
    fitCanvas(this.#canvas, recorder.size.width, recorder.size.height);
    this.#shownS = 0;
    this.#show(0);
  }

  play() {
    if (this.#shownS >= this.#recorder.durationS) this.#shownS = 0;
    this.#startedMs = performance.now() - 1000 * this.#shownS;
    this.#button.textContent = "Pause";
    requestAnimationFrame(() => this.#step());
  }

  pause() {
    this.#startedMs = null;
    this.#button.textContent = "Play";
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
