"use strict";
// Keys press what shows them. Nothing here knows what a label is, and the page works without it.
(() => {
  const hidden = document.getElementById("hidden");
  const ballot = document.getElementById("ballot");
  const keyed = new Map([...document.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one]));

  function press(one) {
    if (one instanceof HTMLMediaElement) one.paused ? one.play().catch(() => broken(one)) : one.pause();
    else if (one instanceof HTMLTextAreaElement) one.focus();
    else one.click();
  }

  document.addEventListener("keydown", (event) => {
    const writing = event.target.closest("textarea, input");
    if (writing && event.key === "Escape") writing.blur();
    if (writing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const one = keyed.get(event.key.toLowerCase());
    if (!one) return;
    event.preventDefault();
    press(one);
  });

  let sent = false;
  ballot?.addEventListener("submit", (event) => {
    const unseen = hidden && !hidden.open && event.submitter?.value.startsWith("label:");
    if (unseen) document.getElementById("status").textContent = "Look at the answer first: A shows it. Or skip it with S.";
    if (unseen || sent) event.preventDefault();
    else sent = true;
  });

  function broken(one) {
    const told = document.createElement("p");
    told.className = "notice";
    told.textContent = "The browser cannot show this file. What cannot be judged without it is an abstention.";
    one.replaceWith(told);
  }

  document.querySelectorAll(".media img, .media audio, .media video").forEach((one) => {
    if (one.error || (one.complete && !one.naturalWidth)) broken(one);
    else one.addEventListener("error", () => broken(one));
  });
})();
