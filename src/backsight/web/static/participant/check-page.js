// The camera check: what to change until the picture is good, live. Knows what the page holds.

import { postJson } from "./api.js";
import { CheckState } from "./check-state.js";
import { Announcer, formToken, onReturn, readConfig } from "./page.js";
import { Stage } from "./stage.js";

const WORDS = { good: "Good: ", bad: "To change: ", unknown: "" };

const config = readConfig();
const list = document.querySelector("[data-lines]");
const goOn = document.querySelector("[data-go-on]");
const anyway = document.querySelector("[data-anyway]");
const passed = document.querySelector("[data-passed]");
const problem = document.querySelector("[data-problem]");
const announcer = new Announcer(document.querySelector("[data-announce]"));
const stage = new Stage(document.querySelector("[data-stage]"), config);
const check = new CheckState();
let isSending = false;

document.querySelector("[data-open-camera]").addEventListener("click", openCamera);
goOn.addEventListener("click", () => send({ passed: true, reason: "", found: check.found }));
anyway.addEventListener("submit", (event) => {
  event.preventDefault();
  const reason = new FormData(anyway).get("reason").trim();
  if (reason) send({ passed: false, reason, found: check.found });
  else showProblem("Please say why you go on, in a few words.", anyway.querySelector("[name=reason]"));
});
window.addEventListener("pagehide", () => stage.close());
onReturn(() => window.location.reload());
stage.onLost = () => (document.querySelector("[data-intro]").hidden = false);
stage.onRestart = (lines) => {
  check.reset(lines);
  show();
};
stage.onLines = (lines) => {
  const wasPassed = check.isPassed;
  check.take(lines, performance.now());
  show();
  if (check.isPassed && !wasPassed) announcer.say(check.sentence);
  else if (!check.isPassed && check.sentence) announcer.mention(check.sentence);
};

async function openCamera() {
  document.querySelector("[data-intro]").hidden = true;
  document.querySelector("[data-check]").hidden = false;
  if (!(await stage.open({ people: config.people }))) document.querySelector("[data-intro]").hidden = false;
}

function show() {
  for (const { name, state, text } of check.lines) {
    const item = list.querySelector(`[data-line="${name}"]`);
    item.dataset.state = state;
    item.querySelector("[data-text]").textContent = text;
    item.querySelector("[data-word]").textContent = WORDS[state];
  }
  goOn.disabled = isSending || !check.isPassed;
  passed.hidden = !check.isPassed;
  passed.textContent = check.isPassed ? check.sentence : "";
}

async function send(result) {
  isSending = true;
  show();
  try {
    const { next } = await postJson("/take-part/camera-check", JSON.stringify(result), formToken());
    stage.close();
    window.location.assign(next);
  } catch (error) {
    isSending = false;
    show();
    showProblem(error.message, goOn);
  }
}

function showProblem(text, place) {
  problem.textContent = text;
  problem.hidden = false;
  place.focus();
}
