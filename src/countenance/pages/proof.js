// Checks in this browser, step by step, that a record stands in the operator's log (C2SP tlog-proof, RFC 6962).
"use strict";
const utf8 = new TextEncoder();
const bytes = (coded) => Uint8Array.from(atob(coded), (each) => each.charCodeAt(0));
const hex = (array) => [...array].map((each) => each.toString(16).padStart(2, "0")).join("");
const joined = (...parts) => Uint8Array.from(parts.flatMap((each) => [...each]));
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));

/** Returns a proof taken apart; throws where it is none. */
function parsed(text) {
  const gap = text.indexOf("\n\n");
  const [first, extra, index, ...hashes] = text.slice(0, gap).split("\n");
  const note = text.slice(gap + 2);
  const end = note.lastIndexOf("\n\n");
  const body = note.slice(0, end + 1);
  const [origin, size, root] = body.split("\n");
  if (first !== "c2sp.org/tlog-proof@v1" || !/^extra /.test(extra) || !/^index \d{1,15}$/.test(index) || !/^\d{1,15}$/.test(size)) {
    throw new Error("no proof");
  }
  return {
    entry: bytes(extra.slice(6)), index: Number(index.slice(6)), hashes: hashes.map(bytes), body, origin,
    size: Number(size), root: bytes(root), lines: note.slice(end + 2).trim().split("\n"),
  };
}

/** Returns the root that the hashes lead to from the entry (RFC 9162, 2.1.3.2), or nothing where they lead nowhere. */
async function rootOver(proof) {
  let place = proof.index;
  let last = proof.size - 1;
  if (place > last) { return null; }
  let found = await sha256([0], proof.entry);
  for (const each of proof.hashes) {
    if (last === 0) { return null; }
    if (place % 2 === 1 || place === last) {
      found = await sha256([1], each, found);
      while (place !== 0 && place % 2 === 0) { place = Math.floor(place / 2); last = Math.floor(last / 2); }
    } else {
      found = await sha256([1], found, each);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? found : null;
}

/** Returns whether the log's key signed the checkpoint; throws where this browser has no Ed25519. */
async function signed(proof, vkey) {
  const [name, id, coded] = vkey.trim().split(/\+(.{8})\+/);
  const key = bytes(coded);
  const expected = hex((await sha256(utf8.encode(`${name}\n`), key)).slice(0, 4));
  if (name !== proof.origin || key[0] !== 1 || id !== expected) { return false; }
  const made = await crypto.subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]);
  for (const line of proof.lines) {
    const [dash, who, signature] = line.split(" ");
    const value = bytes(signature);
    if (dash === "—" && who === name && hex(value.slice(0, 4)) === id) {
      return crypto.subtle.verify("Ed25519", made, value.slice(4), utf8.encode(proof.body));
    }
  }
  return false;
}

const WAITS = Symbol("waits");

/** Returns a file of text, WAITS where it is not there yet, or null where it did not come: that says nothing of the log. */
async function file(path) {
  try {
    const answer = await fetch(path);
    if (answer.status === 409) { return WAITS; }
    const text = answer.ok && !answer.redirected && /^text\/plain/.test(answer.headers.get("content-type") || "");
    return text ? await answer.text() : null;
  } catch {
    return null;
  }
}

async function check(part) {
  const show = (when) => { part.querySelector(`[data-when=${when}]`).hidden = false; };
  const step = (name, holds, says) => {
    const item = part.querySelector(`[data-step=${name}]`);
    item.className = holds ? "good" : "bad";
    item.querySelector("[data-say]").textContent = `${says} ${holds ? "✓" : "✗"}`;
    if (!holds) { throw new Error(name); }
  };
  for (const each of part.querySelectorAll("[data-when]")) { each.hidden = true; }
  const fetched = await file(part.dataset.proof);
  if (fetched === WAITS || fetched === null) { show(fetched === WAITS ? "waits" : "unfetched"); return; }
  try {
    const proof = parsed(fetched);
    const vkey = await file(/\/log\/[a-z0-9-]+\/[0-9]+$/.exec(proof.origin)[0] + "/vkey");
    if (vkey === null) { show("unfetched"); return; }
    part.querySelector("ol").hidden = false;
    const said = JSON.parse(new TextDecoder().decode(proof.entry));
    step("entry", said.body === part.dataset.digest, `${proof.index + 1} / ${proof.size}`);
    const root = await rootOver(proof);
    step("tree", root !== null && hex(root) === hex(proof.root), hex(proof.root));
    step("signature", await signed(proof, vkey), vkey.trim());
  } catch (error) {
    show(error.name === "NotSupportedError" ? "unable" : "wrong");
  }
}

if (window.isSecureContext && crypto.subtle) {
  for (const part of document.querySelectorAll("[data-proof]")) {
    part.hidden = false;
    part.querySelector("button").addEventListener("click", () => check(part));
  }
}
