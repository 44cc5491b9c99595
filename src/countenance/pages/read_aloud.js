// Reads a notice aloud with the browser's own voice; nothing is sent anywhere.
"use strict";
const button = document.querySelector("[data-read-aloud]");
if (button && "speechSynthesis" in window) {
  const notice = document.getElementById(button.dataset.readAloud);
  const label = button.textContent;
  const quiet = () => { speechSynthesis.cancel(); button.textContent = label; };
  button.hidden = false;
  button.addEventListener("click", () => {
    if (speechSynthesis.speaking) { quiet(); return; }
    for (const part of notice.querySelectorAll("dt, dd")) {
      const said = new SpeechSynthesisUtterance(part.textContent);
      said.lang = notice.dataset.language === "zh-Hans" ? "zh-CN" : "en";
      said.rate = 0.95;
      speechSynthesis.speak(said);
    }
    const end = new SpeechSynthesisUtterance(" ");
    end.onend = quiet;
    speechSynthesis.speak(end);
    button.textContent = button.dataset.stop;
  });
  window.addEventListener("pagehide", () => speechSynthesis.cancel());
}
