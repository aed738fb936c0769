// Show the server a recording's landmarks while it goes on, and hear what it makes of them. Knows no camera and no page.
// A preview only: it sends nothing twice, waits for nothing, and whatever becomes of it the recording does not notice.

const SEND_EVERY_MS = 500;
const MOST_WAITING_BYTES = 256 * 1024; // on a bad line the chunks that are kept come first
const MOST_FRAMES = 60;

export class LivePreview {
  #socket = null;
  #frames = [];
  #sentMs = -Infinity;

  /** Told what the server says: `hints`, and where the study shows it `index`, `low`, `high`, `reason`. */
  onAnswer = () => {};
  /** Told when the server says no more. */
  onEnd = () => {};

  /** @param {typeof WebSocket} Socket replaced in tests */
  constructor(Socket = globalThis.WebSocket) {
    this.Socket = Socket;
  }

  open(recordingId, base = globalThis.location) {
    this.close();
    try {
      const scheme = base.protocol === "https:" ? "wss:" : "ws:";
      const socket = new this.Socket(`${scheme}//${base.host}/take-part/recordings/${recordingId}/live`);
      socket.onmessage = ({ data }) => this.#hear(socket, data);
      socket.onclose = () => this.#end(socket);
      this.#socket = socket;
    } catch {
      this.#end(this.#socket);
    }
  }

  /** Take a frame as the server takes it. */
  push(frame, nowMs = performance.now()) {
    if (!this.#socket) return;
    this.#frames.push(frame);
    if (nowMs - this.#sentMs < SEND_EVERY_MS) return;
    this.#sentMs = nowMs;
    const frames = this.#frames.slice(-MOST_FRAMES);
    this.#frames = [];
    if (this.#socket.readyState !== 1 || this.#socket.bufferedAmount > MOST_WAITING_BYTES) return;
    try {
      this.#socket.send(JSON.stringify({ frames }));
    } catch {
      this.#end(this.#socket);
    }
  }

  close() {
    const socket = this.#socket;
    this.#socket = null;
    this.#frames = [];
    this.#sentMs = -Infinity;
    socket?.close();
  }

  #hear(socket, data) {
    if (socket !== this.#socket) return;
    try {
      this.onAnswer(JSON.parse(data));
    } catch (error) {
      console.warn("The live preview could not be shown:", error);
    }
  }

  #end(socket) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.onEnd();
  }
}
