// On every page of the kiosk: back, reload and an abandoned page lead to the start, where the next guest finds nothing of the last.
"use strict";
const ABANDONED_MS = 180000;
const start = location.pathname.split("/").slice(0, 3).join("/");
const underway = location.pathname !== start;
// A page on the way is the answer to a form. Under the address of the start, "back" asks for the start instead of for that answer again.
if (underway) { history.replaceState(null, "", start); }
// Nobody there for three minutes: the page goes. It is no countdown; any touch begins it again.
let leaving = 0;
const stay = () => {
  clearTimeout(leaving);
  leaving = setTimeout(() => { location.replace(start); }, ABANDONED_MS);
};
if (underway) {
  ["pointerdown", "keydown", "touchstart"].forEach((name) => document.addEventListener(name, stay, { passive: true }));
  stay();
}
