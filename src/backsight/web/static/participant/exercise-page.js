// One exercise from its explanation to the rating: get ready, record, look at it, keep or repeat, rate.

import { postJson } from "./api.js";
import { Announcer, formToken, readConfig, showStep } from "./page.js";
import { Playback } from "./playback.js";
import { Rating } from "./rating.js";
import { Recorder } from "./recorder.js";
import { Beeper } from "./sound.js";
import { Stage } from "./stage.js";

const config = readConfig();
const one = (selector) => document.querySelector(selector);
const stageRoot = one("[data-stage]");
const stage = new Stage(stageRoot, config);
const playback = new Playback(one("[data-playback]"), config.skeleton);
const rating = new Rating(one("[data-rating]"));
const announcer = new Announcer(one("[data-announce]"));
const beeper = new Beeper();
let recorder = null;
let recording = null; // {endsMs, interval} while a recording runs
let countdown = 0;

for (const button of document.querySelectorAll("[data-go]")) button.addEventListener("click", () => goTo(button.dataset.go));
one("[data-start]").addEventListener("click", start);
one("[data-stop]").addEventListener("click", stop);
one("[data-cancel]").addEventListener("click", cancel);
one("[data-again]").addEventListener("click", again);
one("[data-keep]").addEventListener("click", () => goTo("rating"));
one("[data-unrated-again]")?.addEventListener("click", () => goTo("how"));
one("[data-unrated-keep]")?.addEventListener("click", () => {
  recorder = new Recorder(formToken(), showWaiting);
  recorder.resume(config.unrated);
  goTo("rating");
});
one("[data-rate]").addEventListener("submit", save);
one("[data-rating]").addEventListener("input", () => showProblem(""));
one("[data-skip]").addEventListener("submit", skip);
window.addEventListener("pagehide", () => stage.close());
window.addEventListener("beforeunload", (event) => {
  if (recording || recorder?.isBehind) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  // A page in the background gets no pictures: the recording would have a hole.
  if (document.hidden && recording) stop();
});
stage.onLines = showHint;
stage.onFrame = takeFrame;
stage.onLost = () => recording && stop();

async function goTo(name) {
  showProblem("");
  showStep(name);
  if (name === "camera") {
    setMode("ready");
    one("[data-start]").disabled = true;
    if (await stage.open({ people: config.people })) one("[data-start]").disabled = false;
  } else {
    stage.close();
  }
  if (name === "rating") rating.clear();
}

/** "ready", "countdown", "recording" or "sending": what of the camera step is shown. */
function setMode(mode) {
  stageRoot.dataset.mode = mode;
  for (const part of document.querySelectorAll("[data-mode-of]")) part.hidden = !part.dataset.modeOf.split(" ").includes(mode);
}

async function start() {
  showProblem("");
  beeper.open();
  setMode("countdown");
  const number = one("[data-countdown]");
  const mine = ++countdown;
  recorder = new Recorder(formToken(), showWaiting);
  announcer.say("Get ready.");
  one("[data-cancel]").focus();
  try {
    await stage.restart({ people: 1 });
    // Asked for now, so that a slow line does not put off the start. After a cancel the next recording replaces it.
    const begun = recorder.begin({ exercise: config.exercise, size: stage.size, poseModel: config.poseModel, engine: stage.engine });
    begun.catch(() => {});
    for (let left = Number(one("[data-delay]").value); left > 0; left--) {
      number.textContent = left;
      if (left <= 3) {
        announcer.say(String(left));
        beeper.beep("short");
      }
      await new Promise((resolve) => setTimeout(resolve, 1000));
      if (mine !== countdown) return;
    }
    await begun;
  } catch (error) {
    if (mine === countdown) backToReady(error.message);
    return;
  }
  if (mine !== countdown) return;
  beeper.beep("long");
  announcer.say("Recording.");
  const seconds = Number(one("[data-length]").value);
  recording = { startedMs: performance.now(), endsMs: performance.now() + 1000 * seconds };
  recording.interval = setInterval(tick, 200);
  setMode("recording");
  tick();
  one("[data-stop]").focus();
}

function tick() {
  const now = performance.now();
  const spent = Math.max(0, Math.floor((now - recording.startedMs) / 1000));
  const left = Math.max(0, Math.ceil((recording.endsMs - now) / 1000));
  one("[data-timer]").textContent = `${spent} s`;
  one("[data-left]").textContent = `stops by itself in ${left} s`;
  if (now >= recording.endsMs) stop();
  else if (recorder.failure) stop();
}

function takeFrame(found, timeMs, size) {
  if (!recording) return;
  const isTurned = size.width !== recorder.size.width || size.height !== recorder.size.height;
  if (isTurned) {
    endRecording();
    recorder.discard().catch(() => {});
    backToReady("The device was turned while recording. Hold or stand it the same way all the time, and record again.");
    return;
  }
  recorder.take(found, timeMs);
}

function endRecording() {
  clearInterval(recording.interval);
  recording = null;
}

async function stop() {
  if (!recording) return;
  endRecording();
  beeper.beep("long");
  setMode("sending");
  announcer.say("Recording stopped.");
  const trouble = troubleOf(recorder);
  if (trouble) {
    await recorder.discard().catch(() => {});
    await backToReady(trouble);
    return;
  }
  try {
    await recorder.finish();
  } catch (error) {
    await recorder.discard().catch(() => {});
    await backToReady(`This recording could not be stored: ${error.message} Please record again.`);
    return;
  }
  stage.close();
  playback.open(recorder);
  const fps = recorder.frames.length / Math.max(recorder.durationS, 1);
  one("[data-slow]").hidden = fps >= config.limits.fps;
  one("[data-fps]").textContent = Math.max(1, Math.round(fps));
  one("[data-duration]").textContent = `${recorder.durationS.toFixed(0)} seconds`;
  showStep("review");
  playback.play();
}

function troubleOf({ durationS, frames, sawSomebody }) {
  if (!frames.length) return "No picture came from the camera. Please record again.";
  if (durationS < config.shortestS) return "That was too short. Please record the whole exercise.";
  return sawSomebody.call(recorder, config.limits.foundUsable) ? "" : "You were hardly seen. Stay in the picture, and record again.";
}

function cancel() {
  countdown++;
  backToReady("");
}

async function backToReady(text) {
  setMode("ready");
  await stage.restart({ people: config.people }).catch(() => goTo("camera"));
  showProblem(text);
  one("[data-start]").focus();
}

async function again() {
  playback.pause();
  try {
    await recorder.discard();
    recorder = null;
    goTo("camera");
  } catch (error) {
    showProblem(error.message);
  }
}

async function save(event) {
  event.preventDefault();
  if (rating.value === null) {
    showProblem("Please choose a number from 0 to 100: touch the line, or type it.");
    rating.focus();
    return;
  }
  await submit(event.target, () => recorder.keep(rating.value));
}

async function skip(event) {
  event.preventDefault();
  const reason = String(new FormData(event.target).get("reason") ?? "").trim();
  if (!reason) {
    showProblem("Please say why, in a few words.");
    event.target.querySelector("[name=reason]").focus();
    return;
  }
  const body = JSON.stringify({ exercise: config.exercise, reason });
  await submit(event.target, () => postJson("/take-part/skip", body, formToken()));
}

/** Send, with the form's button out of reach until there is an answer, and go on to where that says. */
async function submit(form, send) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const { next } = await send();
    window.location.assign(next);
  } catch (error) {
    button.disabled = false;
    showProblem(error.message);
  }
}

function showHint(lines) {
  const worst = lines.find(({ state }) => state === "bad");
  const place = one("[data-hint]");
  place.dataset.state = worst ? "bad" : "good";
  place.textContent = worst ? worst.text : "You are well in the picture";
  if (worst && !recording) announcer.mention(worst.text);
}

function showWaiting(isWaiting) {
  one("[data-waiting]").hidden = !isWaiting;
}

function showProblem(text) {
  const place = one("[data-problem]");
  place.textContent = text;
  place.hidden = !text;
}

showStep(config.unrated ? "unrated" : "how");
