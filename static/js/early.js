// A page can be seen and pressed before its scripts have run. Until then clicks, keys and typing are kept, and done once everything listens;
// otherwise they would be lost, and a form that asks first (data-confirm) would be sent unasked.
(function () {
  "use strict";
  const kept = [];
  const keep = (event, again) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    kept.push(again);
  };
  const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;
  const click = (event) => {
    const pressed = event.target instanceof Element ? event.target.closest("button, a[hx-get], [data-confirm]:not(form)") : null;
    if (pressed && isPlain(event)) keep(event, () => pressed.click());
  };
  const key = (event) => {
    if (!/^\S$/.test(event.key) || !isPlain(event) || event.target.closest("input, textarea, select")) return;
    keep(event, () => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: event.key, bubbles: true, cancelable: true })));
  };
  const typed = (event) => kept.push(() => event.target.dispatchEvent(new Event("input", { bubbles: true })));
  const early = { click, keydown: key, input: typed };
  Object.entries(early).forEach(([type, handle]) => document.addEventListener(type, handle, true));
  // On the window: after everybody who waits for the document.
  window.addEventListener("DOMContentLoaded", () => {
    Object.entries(early).forEach(([type, handle]) => document.removeEventListener(type, handle, true));
    kept.forEach((again) => again());
  });
})();
