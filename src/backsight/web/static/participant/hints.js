// Say what to change in front of the camera, from landmarks and figures of the picture. Knows no camera and no page.
// The thresholds come with the page: they are those of the quality checks that judge the recording afterwards.

const WINDOW_MS = 1500;

/** One line of the camera check. `state`: "good", "bad", or "unknown" while there is nothing to go by. */
const line = (name, state, text) => ({ name, state, text });

export class CameraCheck {
  #limits;
  #parts;
  #seen = [];
  #pictures = [];

  /** @param {object} limits thresholds @param {Record<string, number[]>} parts landmarks of each part of the body */
  constructor(limits, parts) {
    this.#limits = limits;
    this.#parts = parts;
  }

  /** Take what was found in a picture. */
  push(found, timeMs, size) {
    this.#seen.push({ timeMs, people: found.landmarks.length, marks: found.landmarks[0] ?? null, size });
    while (this.#seen[0].timeMs < timeMs - WINDOW_MS) this.#seen.shift();
  }

  /** Take figures of a picture: `luma` and `contrast` of 255, `isShifted`. */
  pushPicture(figures, timeMs) {
    this.#pictures.push({ timeMs, ...figures });
    while (this.#pictures[0].timeMs < timeMs - WINDOW_MS) this.#pictures.shift();
  }

  /** Return the lines of the check, always the same ones in the same order. */
  lines() {
    const withPerson = this.#seen.filter((one) => one.marks);
    const isFound = this.#seen.length > 0 && withPerson.length >= this.#limits.foundShare * this.#seen.length;
    if (!isFound) {
      const text = this.#seen.length ? "Step into the picture" : "Waiting for the camera";
      const later = (name, words) => line(name, "unknown", words);
      return [
        line("body", this.#seen.length ? "bad" : "unknown", text),
        later("distance", "Distance"), this.#light(), later("alone", "Nobody else in the picture"), this.#still(),
      ];
    }
    return [this.#body(withPerson), this.#distance(withPerson), this.#light(), this.#alone(), this.#still()];
  }

  #body(seen) {
    const missing = Object.entries(this.#parts)
      .filter(([, marks]) => seen.filter((one) => isSeen(one.marks, marks, this.#limits.partSeen)).length < this.#limits.wholeShare * seen.length)
      .map(([name]) => name);
    if (!missing.length) return line("body", "good", "Your whole body is in the picture");
    const remedy = this.#isTooNear(seen) ? "step back" : "step back or tilt the camera";
    return line("body", "bad", `I cannot see your ${listed(missing)}: ${remedy}`);
  }

  #distance(seen) {
    if (this.#isTooNear(seen)) return line("distance", "bad", "Too close: step back");
    const tall = this.#tall(seen);
    const { width, height } = seen.at(-1).size;
    const isFar = tall < this.#limits.heightPx || tall < this.#limits.heightShare * Math.max(width, height);
    return isFar ? line("distance", "bad", "Too far away: come closer") : line("distance", "good", "Good distance");
  }

  #isTooNear(seen) {
    return this.#tall(seen) > this.#limits.tooNearShare * seen.at(-1).size.height;
  }

  #tall(seen) {
    return median(seen.map(lengthPx)) / this.#limits.noseToAnkle;
  }

  #light() {
    if (!this.#pictures.length) return line("light", "unknown", "Light");
    const luma = median(this.#pictures.map((one) => one.luma));
    if (luma < this.#limits.luma[0]) return line("light", "bad", "Too dark: put on a light in front of you");
    if (luma > this.#limits.luma[1]) return line("light", "bad", "Too bright: turn away from the window or lamp");
    const isFlat = median(this.#pictures.map((one) => one.contrast)) < this.#limits.contrast;
    return isFlat ? line("light", "bad", "You hardly stand out: more light, or other clothes") : line("light", "good", "Enough light");
  }

  #alone() {
    const crowded = this.#seen.filter((one) => one.people > 1).length;
    return crowded > this.#limits.crowdedShare * this.#seen.length
      ? line("alone", "bad", "I see somebody else: be alone in the picture")
      : line("alone", "good", "Nobody else in the picture");
  }

  #still() {
    if (this.#pictures.length < 2) return line("still", "unknown", "Camera held still");
    const moved = this.#pictures.filter((one) => one.isShifted).length;
    return moved > this.#pictures.length / 3
      ? line("still", "bad", "The camera moves: put it on something firm")
      : line("still", "good", "The camera stands still");
  }
}

/** Whether one side of a part of the body is in the picture and seen: from the side a body hides its far half. */
function isSeen(marks, part, from) {
  return part.some((number) => marks[number].visibility >= from && (marks[number].presence ?? 1) >= from);
}

/** Length of the body in pixels, from the nose over the longer leg to the ankle, as the quality checks measure it. */
function lengthPx({ marks, size }) {
  const at = (number) => [marks[number].x * size.width, marks[number].y * size.height];
  const middle = (a, b) => at(a).map((value, axis) => (value + at(b)[axis]) / 2);
  const between = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const leg = (hip, knee, ankle) => between(at(hip), at(knee)) + between(at(knee), at(ankle));
  const shoulders = middle(11, 12);
  return between(at(0), shoulders) + between(shoulders, middle(23, 24)) + Math.max(leg(23, 25, 27), leg(24, 26, 28));
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function listed(names) {
  return names.length === 1 ? names[0] : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
