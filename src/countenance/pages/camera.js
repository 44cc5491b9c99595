// The camera of the kiosk: opened by the guest, looked at here for light, a few frames sent, closed. Nothing is stored.
"use strict";
const WIDTH = 640, HEIGHT = 480, QUALITY = 0.88;
const FRAMES = 3, GAP_MS = 100, STEP_MS = 1300, AGAIN_MS = 600, SETTLE_MS = 250;
// So often the guest is told of the light; then the server looks all the same, which sees more than a mean of brightness.
const DIM_MOST = 6;
const form = document.getElementById("look");
const words = JSON.parse(form.dataset.words);
const stage = document.getElementById("stage");
const video = document.getElementById("video");
const guidance = document.getElementById("guidance");
const outcome = document.getElementById("outcome");
const canvas = document.createElement("canvas");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
let stream = null;
let tries = 0;  // pictures that were sent, which the server counts with us

const say = (text) => { if (guidance.textContent !== text) { guidance.textContent = text; } };

async function open() {
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) { throw new DOMException("", "NotFoundError"); }
  const wanted = { audio: false, video: { facingMode: "user", width: { ideal: WIDTH }, height: { ideal: HEIGHT } } };
  stream = await navigator.mediaDevices.getUserMedia(wanted);
  video.srcObject = stream;
  await video.play();
  stage.hidden = false;
}

function close() {
  if (stream) { stream.getTracks().forEach((track) => track.stop()); }
  stream = null;
  video.srcObject = null;
  stage.hidden = true;
}

function refused(error) {
  const name = error && error.name;
  if (name === "NotAllowedError" || name === "SecurityError") { return words.denied; }
  if (name === "NotFoundError" || name === "OverconstrainedError") { return words.absent; }
  if (name === "NotReadableError" || name === "AbortError") { return words.busy; }
  return words.failed;
}

// What can be told without knowing anything of the face: too dark, too bright, or lit from behind.
function light() {
  const small = document.createElement("canvas");
  small.width = 32; small.height = 24;
  const paint = small.getContext("2d", { willReadFrequently: true });
  paint.drawImage(video, 0, 0, 32, 24);
  const data = paint.getImageData(0, 0, 32, 24).data;
  let inside = 0, outside = 0, within = 0, beyond = 0;
  for (let row = 0; row < 24; row += 1) {
    for (let column = 0; column < 32; column += 1) {
      const at = 4 * (32 * row + column);
      const value = 0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2];
      if (row > 4 && row < 19 && column > 10 && column < 21) { inside += value; within += 1; } else { outside += value; beyond += 1; }
    }
  }
  const face = inside / within, around = outside / beyond;
  if (face < 35) { return around > 110 ? words.behind : words.dark; }
  return face > 240 ? words.bright : null;
}

async function frame() {
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}

function fields() {
  const body = new FormData();
  for (const field of new FormData(form).entries()) { if (field[0] !== "csrf") { body.append(field[0], field[1]); } }
  body.append("tries", String(Math.floor(tries)));
  return body;
}

// A few frames of one moment: the server keeps the best of them in memory.
async function burst() {
  const body = fields();
  for (let taken = 0; taken < FRAMES; taken += 1) {
    if (taken) { await pause(GAP_MS); }
    body.append("frames", await frame(), "frame.jpg");
  }
  canvas.width = 0;
  return body;
}

// The turns of the head that the server asks for, each with a frame, in order.
async function turned() {
  const asked = new URLSearchParams({ purpose: form.elements.purpose.value, act: form.elements.act.value, csrf: mark() });
  const made = await fetch(form.action.replace(/look$/, "challenge"), { method: "POST", body: asked, credentials: "same-origin", cache: "no-store" });
  if (!made.ok) { throw new Error("no challenge"); }
  const { challenge, turns } = await made.json();
  const body = fields();
  for (const turn of turns) {
    say(turn);
    await pause(STEP_MS);
    body.append("frames", await frame(), "frame.jpg");
  }
  body.append("challenge", challenge);
  body.append("steps", turns.map((_, number) => number).join(","));
  canvas.width = 0;
  return body;
}

const mark = () => form.querySelector("[name=csrf]").value;

async function send(body) {
  const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Csrf": mark() }, credentials: "same-origin", cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const told = page.querySelector("[role=alert]");
  return { part: page.querySelector("[data-outcome]"), told: told ? told.textContent.trim() : words.failed };
}

function show(part) {
  close();
  say("");
  ["intro", "guidance", "ways"].forEach((name) => document.getElementById(name).remove());
  outcome.replaceChildren(document.adoptNode(part));
  const heading = outcome.querySelector("h1, h2");
  if (heading) { heading.tabIndex = -1; heading.focus(); }
}

async function look() {
  const button = form.querySelector("button");
  button.disabled = true;
  outcome.replaceChildren();
  try {
    say(words.opening);
    await open();
    await pause(SETTLE_MS);
    for (let dim = 0; ;) {
      const unlit = light();
      say(unlit || words.still);
      stage.classList.toggle("fits", !unlit);
      if (unlit && dim < DIM_MOST) { dim += 1; await pause(AGAIN_MS); continue; }
      const body = form.dataset.turns === "yes" ? await turned() : await burst();
      say(words.working);
      const { part, told } = await send(body);
      if (!part) { close(); say(told); button.textContent = words.again; return; }
      if (part.dataset.outcome === "not_acquired" && part.dataset.again === "yes") {
        tries += 1;
        dim = 0;
        say(part.dataset.say);
        stage.classList.remove("fits");
        await pause(AGAIN_MS + STEP_MS);
        continue;
      }
      show(part);
      return;
    }
  } catch (error) {
    close();
    say(refused(error));
    button.textContent = words.again;
  } finally {
    button.disabled = false;
    delete form.dataset.sent;
  }
}

form.addEventListener("submit", (event) => { event.preventDefault(); event.stopImmediatePropagation(); look(); });
window.addEventListener("pagehide", close);
