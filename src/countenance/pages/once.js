// On every page: a form is sent once however often it is pressed, and a page is never shown again from memory.
"use strict";
const SENT_MS = 10000;
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, SENT_MS);
});
// The back button may bring what an earlier visitor left: fetch it anew.
window.addEventListener("pageshow", (event) => { if (event.persisted) { location.reload(); } });
