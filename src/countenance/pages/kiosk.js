// On every page of the kiosk: a form is sent once however often it is pressed, and an abandoned page goes back to the start.
"use strict";
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, 4000);
});
// A page fetched from memory by the back button would show what an earlier guest left: fetch it anew.
window.addEventListener("pageshow", (event) => { if (event.persisted) location.replace(location.pathname.split("/").slice(0, 3).join("/")); });
// Nobody there for three minutes: the next guest must not find the last one's page. It is no countdown; any touch begins it again.
const ABANDONED_MS = 180000;
let leaving = 0;
const stay = () => {
  clearTimeout(leaving);
  leaving = setTimeout(() => { location.replace(location.pathname.split("/").slice(0, 3).join("/")); }, ABANDONED_MS);
};
["pointerdown", "keydown", "touchstart"].forEach((name) => document.addEventListener(name, stay, { passive: true }));
if (location.pathname.split("/").length > 3) { stay(); }
