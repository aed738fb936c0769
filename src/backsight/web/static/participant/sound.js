// Short tones, for people who stand too far away to read. Knows no page.

const TONES = { short: { hertz: 660, seconds: 0.12 }, long: { hertz: 880, seconds: 0.45 } };

export class Beeper {
  #context = null;

  /** To be called when a button is pressed: browsers let no page sound before. */
  open() {
    if (!("AudioContext" in window)) return;
    this.#context ??= new AudioContext();
    this.#context.resume().catch(() => {});
  }

  beep(kind) {
    if (this.#context?.state !== "running") return;
    const { hertz, seconds } = TONES[kind];
    const start = this.#context.currentTime;
    const tone = new OscillatorNode(this.#context, { frequency: hertz });
    const loudness = new GainNode(this.#context, { gain: 0.2 });
    // Faded out, since a tone cut off clicks.
    loudness.gain.setValueAtTime(0.2, start);
    loudness.gain.exponentialRampToValueAtTime(0.001, start + seconds);
    tone.connect(loudness).connect(this.#context.destination);
    tone.start(start);
    tone.stop(start + seconds);
  }
}
