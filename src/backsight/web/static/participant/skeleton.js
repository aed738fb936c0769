// Draw a skeleton on a canvas over the camera's picture. Knows no camera.

const SURE_FROM = 0.5;

/** Fit the canvas to the picture, one canvas pixel for one pixel of the picture, and its frame to the same shape. */
export function fitCanvas(canvas, width, height) {
  if (canvas.width === width && canvas.height === height) return;
  Object.assign(canvas, { width, height });
  canvas.parentElement.style.aspectRatio = `${width} / ${height}`;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{x: number, y: number, visibility: number}[] | null} marks places as shares of the picture; null = nobody
 * @param {[number, number][]} lines pairs of landmarks
 */
export function drawSkeleton(canvas, marks, lines) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!marks) return;
  const at = (mark) => [mark.x * canvas.width, mark.y * canvas.height];
  const thick = Math.max(3, Math.max(canvas.width, canvas.height) / 220);
  context.lineCap = "round";
  // A dark edge under a bright line is seen on light and dark clothes alike.
  for (const [width, colour] of [[2.2 * thick, "rgb(6 32 34 / 0.75)"], [thick, "#7ff0e4"]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    for (const [a, b] of lines) {
      if (!marks[a] || !marks[b]) continue;
      context.globalAlpha = Math.min(marks[a].visibility, marks[b].visibility) >= SURE_FROM ? 1 : 0.25;
      context.beginPath();
      context.moveTo(...at(marks[a]));
      context.lineTo(...at(marks[b]));
      context.stroke();
    }
  }
  context.globalAlpha = 1;
  context.fillStyle = "#ffffff";
  for (const number of new Set(lines.flat())) {
    if (marks[number].visibility < SURE_FROM) continue;
    context.beginPath();
    context.arc(...at(marks[number]), 1.1 * thick, 0, 2 * Math.PI);
    context.fill();
  }
}
