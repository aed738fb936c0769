// Turn what the pose runtime found in a picture into what the server takes. Knows no camera and no network.

// A share of the picture to five digits is a hundredth of a pixel; metres to five digits, a hundredth of a millimetre.
const POSITION_DIGITS = 5;
const SHARE_DIGITS = 4;
const TIME_DIGITS = 6;

const rounded = (value, digits) => Number(value.toFixed(digits));
const place = (mark) => [mark.x, mark.y, mark.z].map((value) => rounded(value, POSITION_DIGITS));
const share = (value) => rounded(Math.min(Math.max(value, 0), 1), SHARE_DIGITS);

/**
 * @param {object} found `landmarks` and `worldLandmarks` of tasks-vision, one list a person
 * @param {number} timestampS seconds since the recording's first frame
 */
export function toFrame(found, timestampS) {
  const frame = { timestamp_s: rounded(timestampS, TIME_DIGITS) };
  const marks = found.landmarks[0];
  const world = found.worldLandmarks[0];
  if (!marks || !world) return frame;
  frame.image = marks.map(place);
  frame.world_m = world.map(place);
  frame.visibility = marks.map((mark) => share(mark.visibility));
  if (marks.every((mark) => mark.presence !== undefined)) frame.presence = marks.map((mark) => share(mark.presence));
  return frame;
}
