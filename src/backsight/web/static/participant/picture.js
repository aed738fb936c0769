// Brightness, contrast and shift of the camera's pictures, looked at five times a second. Knows nothing of people.

const WIDTH = 96;
const FAR = 2; // pixels of the small picture: 2 % of its width in the time between two samples
const SAMPLE_MS = 200;
const MIN_STRIP_SHARE = 0.25; // of the picture left beside the person; less shows nothing of the camera
const NOISE = 1.5; // grey levels of 255 by which a still picture may differ from the one before
const CLEARLY = 0.8; // a shift must explain the difference this much better than standing still does

export class Picture {
  #video;
  #canvas = document.createElement("canvas");
  #context = this.#canvas.getContext("2d", { willReadFrequently: true });
  #before = null;
  #nextMs = -Infinity;

  constructor(video) {
    this.#video = video;
  }

  /** Return figures of the picture, or null when it is not yet time. `marks`: the person's landmarks, or null. */
  look(timeMs, marks) {
    if (timeMs < this.#nextMs) return null;
    this.#nextMs = timeMs + SAMPLE_MS;
    const height = Math.max(8, Math.round((WIDTH * this.#video.videoHeight) / this.#video.videoWidth));
    if (this.#canvas.width !== WIDTH || this.#canvas.height !== height) {
      Object.assign(this.#canvas, { width: WIDTH, height });
      this.#before = null;
    }
    this.#context.drawImage(this.#video, 0, 0, WIDTH, height);
    const luma = grey(this.#context.getImageData(0, 0, WIDTH, height).data);
    const mean = luma.reduce((sum, value) => sum + value, 0) / luma.length;
    const contrast = Math.sqrt(luma.reduce((sum, value) => sum + (value - mean) ** 2, 0) / luma.length);
    const isShifted = this.#before !== null && hasShifted(this.#before, luma, height, besides(marks, height));
    this.#before = luma;
    return { luma: mean, contrast, isShifted };
  }
}

function grey(rgba) {
  const luma = new Float32Array(rgba.length / 4);
  for (let i = 0; i < luma.length; i++) luma[i] = 0.299 * rgba[4 * i] + 0.587 * rgba[4 * i + 1] + 0.114 * rgba[4 * i + 2];
  return luma;
}

/** The columns to the left and right of the person, with room for an arm. */
function besides(marks, height) {
  const columns = [];
  const xs = marks ? marks.map((mark) => mark.x * WIDTH) : [];
  const low = marks ? Math.min(...xs) - 0.08 * WIDTH : WIDTH;
  const high = marks ? Math.max(...xs) + 0.08 * WIDTH : WIDTH;
  for (let x = FAR; x < WIDTH - FAR; x++) if (x < low || x > high) columns.push(x);
  return { columns, rows: [FAR, height - FAR] };
}

/** Whether the picture beside the person is explained much better by a shift than by a camera that stands still. */
function hasShifted(before, now, height, { columns, rows }) {
  if (columns.length < MIN_STRIP_SHARE * WIDTH) return false;
  const difference = (dx, dy) => {
    let sum = 0;
    for (let y = rows[0]; y < rows[1]; y++) {
      for (const x of columns) sum += Math.abs(now[y * WIDTH + x] - before[(y + dy) * WIDTH + x + dx]);
    }
    return sum / (columns.length * (rows[1] - rows[0]));
  };
  const still = difference(0, 0);
  if (still < NOISE) return false;
  for (let dy = -FAR; dy <= FAR; dy++) {
    for (let dx = -FAR; dx <= FAR; dx++) {
      if ((dx || dy) && difference(dx, dy) < CLEARLY * still) return true;
    }
  }
  return false;
}
