// One exercise from its explanation to the rating: get ready, record, look at it, keep or repeat, rate.

import { postJson, wait } from "./api.js";
import { find } from "./held.js";
import { LivePreview } from "./live.js";
import { Announcer, formToken, onReturn, readConfig, showStep } from "./page.js";
import { IndexPanel, SendingPanel } from "./panels.js";
import { Playback } from "./playback.js";
import { Rating } from "./rating.js";
import { LandmarkRecorder } from "./recorder.js";
import { Beeper } from "./sound.js";
import { Stage } from "./stage.js";
import { VideoRecorder } from "./video-recorder.js";

const FROZEN_MS = 5000; // without a new picture the camera is gone, whatever the browser says
const ANSWER_LASTS_MS = 3000;

const config = readConfig();
const one = (selector) => document.querySelector(selector);
const stageRoot = one("[data-stage]");
const stage = new Stage(stageRoot, config);
const playback = new Playback(one("[data-playback]"), config.skeleton);
const rating = new Rating(one("[data-rating]"));
const announcer = new Announcer(one("[data-announce]"));
const beeper = new Beeper();
const preview = new LivePreview();
const indexPanel = new IndexPanel(one("[data-live]"));
const sending = new SendingPanel(one("[data-sending]"));
let recorder = null;
let recording = null; // {startedMs, endsMs, pictureMs, interval} while a recording runs
let countdown = 0;
let isCounting = false;
let serverHints = { hints: [], atMs: -Infinity };
let isAlone = null;

for (const button of document.querySelectorAll("[data-go]")) button.addEventListener("click", () => goTo(button.dataset.go));
one("[data-start]").addEventListener("click", start);
one("[data-stop]").addEventListener("click", () => stop());
one("[data-cancel]").addEventListener("click", () => cancel());
for (const button of document.querySelectorAll("[data-again]")) button.addEventListener("click", () => again(button));
one("[data-keep]").addEventListener("click", keep);
one("[data-unrated-again]")?.addEventListener("click", () => goTo("how"));
one("[data-unrated-keep]")?.addEventListener("click", () => {
  recorder = newRecorder();
  recorder.resume(config.unrated);
  goTo("rating");
});
one("[data-held-send]")?.addEventListener("click", keep);
one("[data-rate]").addEventListener("submit", save);
one("[data-rating]").addEventListener("input", () => showProblem(""));
one("[data-skip]").addEventListener("submit", skip);
window.addEventListener("pagehide", () => stage.close());
window.addEventListener("beforeunload", (event) => {
  if (recording || recorder?.isBehind) event.preventDefault();
});
onReturn(() => window.location.reload());
document.addEventListener("visibilitychange", () => {
  // A page in the background gets no pictures: the recording would have a hole.
  if (!document.hidden) return;
  if (recording) stop("The recording ended because this page was left. Is the whole exercise there? If not, record again.");
  if (isCounting) cancel("The countdown was stopped because this page was left.");
});
stage.onLines = showHint;
stage.onFrame = takeFrame;
stage.onLost = () => {
  if (recording) stop("The camera was switched off or pulled out. Is the whole exercise there? If not, record again.");
  if (isCounting) cancel("The camera was switched off or pulled out.");
};
preview.onAnswer = (answer) => {
  serverHints = { hints: answer.hints ?? [], atMs: performance.now() };
  indexPanel.show(answer);
};
preview.onEnd = () => indexPanel.lose();

/** Begin where the participant stopped. */
async function enter() {
  const held = config.unfinished ? await find(config.unfinished) : null;
  if (config.unrated) return showStep("unrated");
  if (held) {
    recorder = newRecorder();
    recorder.resume(config.unfinished, held);
    return showStep("held");
  }
  one("[data-interrupted]").hidden = !config.unfinished;
  showStep("how");
}

function newRecorder() {
  if (config.mode === "landmarks") return new LandmarkRecorder(formToken(), showWaiting);
  return new VideoRecorder(formToken(), showWaiting, config.uploader, (sent, total) => sending.move(sent, total));
}

async function goTo(name) {
  showProblem("");
  showStep(name);
  if (name === "camera") {
    setMode("ready");
    one("[data-start]").disabled = true;
    one("[data-retry]").hidden = true;
    const isOpen = await stage.open({ people: config.people });
    one("[data-start]").disabled = !isOpen;
    one("[data-retry]").hidden = isOpen;
  } else {
    stage.close();
  }
  if (name !== "review") playback.close();
  if (name === "rating") rating.clear();
}

/** "ready", "countdown", "recording" or "sending": what of the camera step is shown. */
function setMode(mode) {
  stageRoot.dataset.mode = mode;
  for (const part of document.querySelectorAll("[data-mode-of]")) part.hidden = !part.dataset.modeOf.split(" ").includes(mode);
}

async function start() {
  showProblem("");
  if (!(await claim())) {
    showProblem("You are recording in another tab or window already. Go on there, or close it and try again.");
    return;
  }
  beeper.open();
  setMode("countdown");
  const number = one("[data-countdown]");
  const mine = ++countdown;
  const given = (recorder = newRecorder());
  isCounting = true;
  indexPanel.clear();
  announcer.say("Get ready.");
  one("[data-cancel]").focus();
  try {
    await stage.restart({ people: 1 });
    // Asked for now, so that a slow line does not put off the start.
    const begun = given.begin({ exercise: config.exercise, size: stage.size, poseModel: config.poseModel, engine: stage.engine, stream: stage.stream });
    begun.then(
      () => (mine === countdown ? preview.open(given.id) : given.discard().catch(() => {})),
      () => {},
    );
    for (let left = Number(one("[data-delay]").value); left > 0; left--) {
      number.textContent = left;
      if (left <= 3) {
        announcer.say(String(left));
        beeper.beep("short");
      }
      await wait(1000);
      if (mine !== countdown) return;
    }
    await begun;
    if (mine !== countdown) return;
    given.start();
  } catch (error) {
    if (mine === countdown) cancel(error.message);
    return;
  }
  isCounting = false;
  beeper.beep("long");
  announcer.say("Recording.");
  const nowMs = performance.now();
  recording = { startedMs: nowMs, endsMs: nowMs + 1000 * Number(one("[data-length]").value), pictureMs: nowMs };
  recording.interval = setInterval(tick, 200);
  setMode("recording");
  tick();
  one("[data-stop]").focus();
}

/** Whether this tab may record; a second one would throw away what the first has. */
function claim() {
  if (!navigator.locks) return true;
  isAlone ??= new Promise((tell) => {
    navigator.locks.request("backsight-recording", { ifAvailable: true }, (lock) => {
      tell(lock !== null);
      if (lock === null) isAlone = null;
      // Until the page is closed.
      return lock === null ? null : new Promise(() => {});
    });
  });
  return isAlone;
}

function tick() {
  const now = performance.now();
  const spent = Math.max(0, Math.floor((now - recording.startedMs) / 1000));
  const left = Math.max(0, Math.ceil((recording.endsMs - now) / 1000));
  one("[data-timer]").textContent = `${spent} s`;
  one("[data-left]").textContent = `stops by itself in ${left} s`;
  if (now >= recording.endsMs || recorder.failure) stop();
  else if (now - recording.pictureMs > FROZEN_MS) stop("The camera gives no new pictures. Is the whole exercise there? If not, record again.");
}

function takeFrame(found, timeMs, size) {
  if (!recording) return;
  recording.pictureMs = performance.now();
  const isTurned = size.width !== recorder.size.width || size.height !== recorder.size.height;
  if (isTurned) {
    endRecording();
    giveUp("The device was turned while recording. Hold or stand it the same way all the time, and record again.");
    return;
  }
  const frame = recorder.take(found, timeMs);
  if (frame) preview.push(frame);
}

function endRecording() {
  clearInterval(recording.interval);
  recording = null;
  preview.close();
}

/** @param {string} remark why it ended, when it was not ended by hand or time */
async function stop(remark = "") {
  if (!recording) return;
  endRecording();
  beeper.beep("long");
  setMode("sending");
  announcer.say("Recording stopped.");
  const trouble = troubleOf(recorder);
  if (trouble) {
    giveUp(`${remark ? "The recording was broken off. " : ""}${trouble}`);
    return;
  }
  try {
    await recorder.finish();
  } catch (error) {
    giveUp(`This recording could not be stored: ${error.message} Please record again.`);
    return;
  }
  stage.close();
  playback.open(recorder);
  const fps = recorder.frames.length / Math.max(recorder.durationS, 1);
  // Of a video the server looks at every picture.
  one("[data-slow]").hidden = config.mode === "video" || fps >= config.limits.fps;
  one("[data-fps]").textContent = Math.max(1, Math.round(fps));
  one("[data-duration]").textContent = `${recorder.durationS.toFixed(0)} seconds`;
  showStep("review");
  showProblem(remark);
  playback.play();
}

function troubleOf({ durationS, frames, failure }) {
  if (failure && !failure.mayPass && config.mode === "video") return `${failure.message} Please record again.`;
  if (!frames.length) return "No picture came from the camera. Please record again.";
  if (durationS < config.shortestS) return "That was too short. Please record the whole exercise.";
  return recorder.sawSomebody(config.limits.foundUsable) ? "" : "You were hardly seen. Stay in the picture, and record again.";
}

function cancel(text = "") {
  countdown++;
  isCounting = false;
  giveUp(text);
}

/** Throw the recording away without waiting for a bad line: the next one takes its place anyway. */
function giveUp(text) {
  recorder?.discard().catch(() => {});
  preview.close();
  backToReady(text);
}

async function backToReady(text) {
  setMode("ready");
  const isOpen = await stage.restart({ people: config.people }).then(() => true, () => false);
  if (!isOpen) await goTo("camera");
  showProblem(text);
  one(one("[data-start]").disabled ? "[data-retry]" : "[data-start]").focus();
}

async function again(button) {
  playback.close();
  button.disabled = true;
  try {
    await recorder.discard();
    recorder = null;
    sending.hide();
    await goTo("camera");
  } catch (error) {
    showProblem(error.message);
  } finally {
    button.disabled = false;
  }
}

/** Go on to the rating; a video is sent meanwhile. */
function keep() {
  goTo("rating");
  if (!recorder.isBehind || config.mode !== "video") return;
  sending.show();
  recorder.send({ goesOn: recorder.id === config.unfinished });
  recorder.sent().then(
    () => sending.finish(),
    (error) => {
      sending.hide();
      one("[data-refusal]").textContent = error.message;
      showStep("refused");
    },
  );
}

async function save(event) {
  event.preventDefault();
  if (rating.value === null) {
    showProblem("Please choose a number from 0 to 100: touch the line, or type it.");
    rating.focus();
    return;
  }
  const later = one("[data-saved-later]");
  later.hidden = !recorder.isBehind;
  await submit(event.target, () => recorder.keep(rating.value));
  later.hidden = true;
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
    // A video that was refused has a step of its own.
    if (error !== recorder?.refusal) showProblem(error.message);
  }
}

function showHint(lines) {
  const worst = lines.find(({ state }) => state === "bad");
  // What is seen here comes at once; the server also knows what takes a whole second look.
  const isFresh = recording && performance.now() - serverHints.atMs < ANSWER_LASTS_MS;
  const text = worst?.text ?? (isFresh ? serverHints.hints[0]?.text : undefined);
  const place = one("[data-hint]");
  place.dataset.state = text ? "bad" : "good";
  place.textContent = text ?? "You are well in the picture";
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

enter();
