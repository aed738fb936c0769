// Find landmarks in a camera's pictures, here in the browser: no picture leaves this device. Knows no page.

const MICROSECOND = 0.001; // in ms: the runtime wants a clock that never stands still

/** What keeps landmarks from being found on this device; the message is for whoever holds it. */
export class PoseError extends Error {}

/**
 * Load the runtime and the model.
 * @param {{script: string, loader: string, binary: string, model: string}} addresses
 * @param {(share: number) => void} onProgress told how much of the model is here, 0 to 1
 */
export async function loadPose(addresses, onProgress = () => {}) {
  const [{ PoseLandmarker }, model] = await Promise.all([
    import(addresses.script),
    fetchBytes(addresses.model, onProgress),
  ]).catch(() => {
    throw new PoseError("What finds your movement could not be loaded. Check your connection and load the page again.");
  });
  const fileset = { wasmLoaderPath: addresses.loader, wasmBinaryPath: addresses.binary };
  const open = (delegate) =>
    PoseLandmarker.createFromOptions(fileset, {
      baseOptions: { modelAssetBuffer: model, delegate },
      runningMode: "VIDEO",
      numPoses: 1,
    });
  // A software renderer is slower than the processor itself.
  if (hasGraphicsProcessor()) {
    try {
      return new PoseFinder(await open("GPU"), "GPU");
    } catch (error) {
      console.warn("The graphics processor cannot be used, the main one is:", error);
    }
  }
  try {
    return new PoseFinder(await open("CPU"), "CPU");
  } catch (error) {
    console.error(error);
    throw new PoseError("This browser cannot find your movement. Please use a current version of Chrome, Edge, Firefox or Safari.");
  }
}

export class PoseFinder {
  #landmarker;
  #lastMs = -Infinity;

  constructor(landmarker, delegate) {
    this.#landmarker = landmarker;
    /** What the landmarks are found with: "CPU" or "GPU". */
    this.delegate = delegate;
  }

  /** Begin anew, without a memory of earlier pictures. Smoothing over time is on for one person only. */
  async restart({ people }) {
    await this.#landmarker.setOptions({ runningMode: "VIDEO", numPoses: people });
  }

  /** Return the landmarks in the video's picture of now. */
  find(video, timeMs) {
    this.#lastMs = Math.max(timeMs, this.#lastMs + MICROSECOND);
    return this.#landmarker.detectForVideo(video, this.#lastMs);
  }
}

async function fetchBytes(url, onProgress) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const total = Number(answer.headers.get("Content-Length")) || 0;
  const parts = [];
  let done = 0;
  const reader = answer.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    done += part.value.length;
    if (total) onProgress(done / total);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function hasGraphicsProcessor() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return false;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|software|basic render/i.test(name);
}
