// The camera check: what to change until the picture is good, live. Knows what the page holds.

import { postJson } from "./api.js";
import { Announcer, formToken, onReturn, readConfig } from "./page.js";
import { Stage } from "./stage.js";

const GOOD_FOR_MS = 2000;

const config = readConfig();
const list = document.querySelector("[data-lines]");
const goOn = document.querySelector("[data-go-on]");
const anyway = document.querySelector("[data-anyway]");
const problem = document.querySelector("[data-problem]");
const announcer = new Announcer(document.querySelector("[data-announce]"));
const stage = new Stage(document.querySelector("[data-stage]"), config);
let found = {};
let goodSinceMs = null;

document.querySelector("[data-open-camera]").addEventListener("click", openCamera);
goOn.addEventListener("click", () => send({ passed: true, reason: "", found }));
anyway.addEventListener("submit", (event) => {
  event.preventDefault();
  const reason = new FormData(anyway).get("reason").trim();
  if (reason) send({ passed: false, reason, found });
  else showProblem("Please say why you go on, in a few words.", anyway.querySelector("[name=reason]"));
});
window.addEventListener("pagehide", () => stage.close());
onReturn(() => window.location.reload());
stage.onLost = () => (document.querySelector("[data-intro]").hidden = false);
stage.onLines = showLines;

async function openCamera() {
  document.querySelector("[data-intro]").hidden = true;
  document.querySelector("[data-check]").hidden = false;
  if (!(await stage.open({ people: config.people }))) document.querySelector("[data-intro]").hidden = false;
}

function showLines(lines) {
  for (const { name, state, text } of lines) {
    const item = list.querySelector(`[data-line="${name}"]`);
    item.dataset.state = state;
    item.querySelector("[data-text]").textContent = text;
    item.querySelector("[data-word]").textContent = { good: "Good: ", bad: "To change: ", unknown: "" }[state];
  }
  found = Object.fromEntries(lines.map(({ name, state }) => [name, state]));
  const isGood = lines.every(({ state }) => state === "good");
  goodSinceMs = isGood ? (goodSinceMs ?? performance.now()) : null;
  // Once passed it stays passed: to press the button, people leave their place.
  if (isGood && goOn.disabled && performance.now() - goodSinceMs >= GOOD_FOR_MS) pass();
  const worst = lines.find(({ state }) => state === "bad");
  if (worst && goOn.disabled) announcer.mention(worst.text);
}

function pass() {
  goOn.disabled = false;
  document.querySelector("[data-passed]").hidden = false;
  announcer.say("Everything is good. You can go on.");
}

async function send(check) {
  goOn.disabled = true;
  try {
    const { next } = await postJson("/take-part/camera-check", JSON.stringify(check), formToken());
    stage.close();
    window.location.assign(next);
  } catch (error) {
    goOn.disabled = !check.passed;
    showProblem(error.message, goOn);
  }
}

function showProblem(text, place) {
  problem.textContent = text;
  problem.hidden = false;
  place.focus();
}
