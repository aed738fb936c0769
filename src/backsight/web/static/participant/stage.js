// The live picture with its skeleton and hints, as the camera check and the exercises show it. Knows no server.

import { Camera, CameraError } from "./camera.js";
import { CameraCheck } from "./hints.js";
import { Picture } from "./picture.js";
import { PoseError, loadPose } from "./pose.js";
import { drawSkeleton, fitCanvas } from "./skeleton.js";

const HINTS_EVERY_MS = 500;
const CAMERA_KEY = "backsight-camera";

export class Stage {
  #root;
  #config;
  #canvas;
  #status;
  #camera;
  #picture;
  #check;
  #finder = null;
  #hintsMs = -Infinity;
  #wakeLock = null;

  /** Told with every picture: what was found, its time in ms, the picture's size. */
  onFrame = () => {};
  /** Told twice a second: the lines of the camera check. */
  onLines = () => {};
  /** Told when the check begins anew, as with another camera: its lines, while there is nothing to go by. */
  onRestart = () => {};
  /** Told when the camera is taken away. */
  onLost = () => {};

  /** @param {HTMLElement} root holds a video, a canvas, a status and a choice of cameras @param {object} config */
  constructor(root, config) {
    this.#root = root;
    this.#config = config;
    this.#canvas = root.querySelector("canvas");
    this.#status = root.querySelector("[data-status]");
    const video = root.querySelector("video");
    this.#camera = new Camera(video);
    this.#picture = new Picture(video);
    this.video = video;
    root.querySelector("[data-cameras]")?.addEventListener("change", (event) => this.#change(event.target.value));
  }

  get size() {
    return this.#camera.size;
  }

  /** What a video is recorded from. */
  get stream() {
    return this.#camera.stream;
  }

  get engine() {
    return `${this.#config.engine} ${this.#finder.delegate}`;
  }

  /** Open camera and runtime, and begin. Returns whether all is well; what is wrong stands on the stage. */
  async open({ people }) {
    this.#root.classList.remove("is-live");
    try {
      this.#say("Waiting for your camera. Please allow it.");
      const isMirrored = await this.#camera.open(remembered());
      this.#root.classList.toggle("is-mirrored", isMirrored);
      await this.#offerCameras();
      this.#say("Getting ready. The first time this takes a moment.");
      this.#finder ??= await loadPose(this.#config.runtime, (share) => this.#say(`Getting ready: ${Math.round(100 * share)} %`));
      await this.restart({ people });
    } catch (error) {
      if (!(error instanceof CameraError || error instanceof PoseError)) console.error(error);
      const isOurs = error instanceof CameraError || error instanceof PoseError;
      this.#say(isOurs ? error.message : "This did not work. Load the page again, or use another browser.", "bad");
      this.#camera.close();
      return false;
    }
    this.#say("");
    this.#root.classList.add("is-live");
    // Nobody touches a phone that they stand away from. Where it cannot be kept awake, it sleeps as it is set to.
    navigator.wakeLock?.request("screen").then((lock) => (this.#wakeLock = lock), () => {});
    return true;
  }

  /** Begin anew: whom the finder followed and what was hinted at is forgotten. */
  async restart({ people }) {
    this.#camera.stop();
    await this.#finder.restart({ people });
    this.#check = new CameraCheck(this.#config.limits, this.#config.parts);
    this.onRestart(this.#check.lines());
    this.#camera.watch(
      (timeMs) => this.#take(timeMs),
      () => {
        this.#say("The camera was switched off.", "bad");
        this.onLost();
      },
    );
  }

  close() {
    this.#wakeLock?.release().catch(() => {});
    this.#wakeLock = null;
    this.#camera.close();
    this.#root.classList.remove("is-live");
  }

  #take(timeMs) {
    if (!this.size.width) return;
    const found = this.#finder.find(this.video, timeMs);
    const marks = found.landmarks[0] ?? null;
    fitCanvas(this.#canvas, this.size.width, this.size.height);
    drawSkeleton(this.#canvas, marks, this.#config.skeleton);
    this.#check.push(found, timeMs, this.size);
    const figures = this.#picture.look(timeMs, marks);
    if (figures) this.#check.pushPicture(figures, timeMs);
    this.onFrame(found, timeMs, this.size);
    if (timeMs - this.#hintsMs < HINTS_EVERY_MS) return;
    this.#hintsMs = timeMs;
    this.onLines(this.#check.lines());
  }

  async #offerCameras() {
    const choice = this.#root.querySelector("[data-cameras]");
    if (!choice) return;
    const cameras = await this.#camera.list();
    choice.replaceChildren(
      ...cameras.map((one, number) => new Option(one.label || `Camera ${number + 1}`, one.deviceId, false, one.deviceId === this.#camera.deviceId)),
    );
    choice.closest("[data-choice]").hidden = cameras.length < 2;
  }

  async #change(deviceId) {
    this.#camera.stop();
    try {
      this.#root.classList.toggle("is-mirrored", await this.#camera.open(deviceId));
      sessionStorage.setItem(CAMERA_KEY, deviceId);
      await this.restart({ people: this.#config.people });
    } catch (error) {
      this.#say(error.message, "bad");
    }
  }

  #say(text, state = "") {
    this.#status.textContent = text;
    this.#status.hidden = !text;
    this.#status.dataset.state = state;
  }
}

function remembered() {
  return sessionStorage.getItem(CAMERA_KEY) ?? "";
}
