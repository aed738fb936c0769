// The rating from 0 to 100: a line to touch and a field to type in, neither with an answer beforehand. Knows no server.

export class Rating {
  #slider;
  #field;
  #root;

  constructor(root) {
    this.#root = root;
    this.#slider = root.querySelector("input[type=range]");
    this.#field = root.querySelector("input[type=number]");
    this.clear();
    this.#slider.addEventListener("input", () => this.#choose(this.#slider.value));
    // A touch in the very middle changes nothing that the browser would tell of, and is an answer all the same.
    this.#slider.addEventListener("pointerup", () => this.#choose(this.#slider.value));
    this.#slider.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") this.#choose(this.#slider.value);
    });
    this.#field.addEventListener("input", () => {
      const value = this.#field.valueAsNumber;
      if (Number.isFinite(value) && value >= 0 && value <= 100) this.#slider.value = value;
      this.#mark(this.#field.value !== "");
    });
  }

  /** The answer, or null while there is none that can be taken. */
  get value() {
    const value = this.#field.valueAsNumber;
    return Number.isFinite(value) && value >= 0 && value <= 100 ? Math.round(value) : null;
  }

  clear() {
    this.#field.value = "";
    this.#slider.value = 50;
    this.#mark(false);
  }

  focus() {
    this.#field.focus();
  }

  #choose(value) {
    this.#field.value = value;
    this.#mark(true);
  }

  #mark(isChosen) {
    this.#root.classList.toggle("is-chosen", isChosen);
    this.#slider.setAttribute("aria-valuetext", isChosen ? `${this.#field.value} of 100` : "not chosen yet");
  }
}
