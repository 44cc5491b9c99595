// On every page: a form is sent once however often it is pressed, and a page is never shown again from memory.
"use strict";
const SENT_MS = 10000;
// The second press of a double one is nobody's answer: it falls on the same button, or on what the next page has at that place.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest("button, a")) { event.preventDefault(); event.stopImmediatePropagation(); }
}, true);
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, SENT_MS);
});
// The back button may bring what an earlier visitor left: fetch it anew.
window.addEventListener("pageshow", (event) => { if (event.persisted) { location.reload(); } });
