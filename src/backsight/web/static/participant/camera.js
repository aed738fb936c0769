// Open the camera, choose between several, and say when a new picture is there. Knows nothing of people.

const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };

/** Why there is no picture; the message is for whoever holds the device. */
export class CameraError extends Error {}

export class Camera {
  #video;
  #stream = null;
  #loop = 0;
  #opening = 0;

  constructor(video) {
    this.#video = video;
  }

  /** Open a camera: the one named, else one that shows the person; returns whether its picture should be mirrored. */
  async open(deviceId = "") {
    this.close();
    if (!window.isSecureContext) {
      throw new CameraError("Browsers give a camera only to pages whose address begins with https. Ask whoever invited you for such a link.");
    }
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new CameraError("This browser gives pages no camera. Open your link in Chrome, Edge, Firefox or Safari.");
    }
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" };
    const mine = ++this.#opening;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...WANTED, ...which } });
    } catch (error) {
      // One that was unplugged is no reason to use none.
      if (deviceId && error?.name !== "NotAllowedError") return await this.open();
      throw new CameraError(explain(error));
    }
    if (mine !== this.#opening) {
      for (const track of stream.getTracks()) track.stop();
      throw new CameraError("The camera was closed.");
    }
    this.#stream = stream;
    this.#video.srcObject = this.#stream;
    await this.#video.play();
    const [track] = this.#stream.getVideoTracks();
    const facing = track.getSettings().facingMode;
    // Somebody who sees themselves moves the right way in a mirror; the landmarks are not mirrored.
    return facing ? facing === "user" : !/back|rear|environment/i.test(track.label);
  }

  /** What a video is recorded from. */
  get stream() {
    return this.#stream;
  }

  /** The cameras of this device; their names are told only once one of them was allowed. */
  async list() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((one) => one.kind === "videoinput");
  }

  get deviceId() {
    return this.#stream?.getVideoTracks()[0]?.getSettings().deviceId ?? "";
  }

  get size() {
    return { width: this.#video.videoWidth, height: this.#video.videoHeight };
  }

  /**
   * Call with each new picture's time in ms, by one clock, until `stop`.
   * @param {(timeMs: number) => void} onPicture
   * @param {() => void} onLost told when the camera is taken away
   */
  watch(onPicture, onLost) {
    const loop = ++this.#loop;
    for (const track of this.#stream.getVideoTracks()) track.addEventListener("ended", () => loop === this.#loop && onLost());
    const next = this.#nextPicture();
    const step = (timeMs) => {
      if (loop !== this.#loop) return;
      onPicture(timeMs);
      next(step);
    };
    next(step);
  }

  stop() {
    this.#loop++;
  }

  close() {
    this.stop();
    this.#opening++;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** Return a function that calls back with the time of the next picture. */
  #nextPicture() {
    const video = this.#video;
    if ("requestVideoFrameCallback" in video) {
      // The moment of capture where the browser tells it, else that of showing; never one of each in a recording.
      let tellsCapture = null;
      return (then) =>
        video.requestVideoFrameCallback((now, about) => {
          tellsCapture ??= about.captureTime !== undefined;
          then(tellsCapture ? (about.captureTime ?? now) : now);
        });
    }
    let shown = -1;
    const look = (then) => (now) => {
      if (video.currentTime === shown) return void requestAnimationFrame(look(then));
      shown = video.currentTime;
      then(now);
    };
    return (then) => requestAnimationFrame(look(then));
  }
}

function explain(error) {
  switch (error?.name) {
    case "NotAllowedError":
      return `The camera is not allowed on this page. ${howToAllow(navigator.userAgent)} Then try again.`;
    case "NotFoundError":
    case "OverconstrainedError":
      return "No camera was found. Connect one, or open your link on a phone or laptop with a camera.";
    case "NotReadableError":
    case "AbortError":
      return "Another program is using the camera. Close it, then try again.";
    default:
      return "The camera could not be opened. Load the page again, or use another device.";
  }
}

/** Where this browser lets somebody allow a camera that they refused. */
export function howToAllow(userAgent) {
  const isApple = /iPhone|iPad|iPod/.test(userAgent);
  if (isApple && /CriOS|FxiOS|EdgiOS/.test(userAgent)) return "Open Settings, choose this browser and switch Camera on.";
  if (isApple) return "Tap the sign left of the page’s address, then Website Settings, then Camera: Allow.";
  if (/Firefox\//.test(userAgent)) return "Click the crossed-out camera left of the page’s address and remove the block.";
  if (/Android/.test(userAgent)) return "Tap the sign left of the page’s address, then Permissions, then Camera: Allow.";
  if (/Chrome\//.test(userAgent)) return "Click the sign left of the page’s address and switch Camera on.";
  if (/Safari\//.test(userAgent)) return "Choose Safari, Settings for This Website, Camera: Allow.";
  return "Allow it in your browser’s address bar or settings.";
}
