// The compare page: take a whole side at once, where its values may be taken.
(function () {
  "use strict";
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-pick-all]") : null;
    if (!button) return;
    button.closest("[data-picks]").querySelectorAll(`input[type="radio"][value="${button.dataset.pickAll}"]:not(:disabled)`).forEach((radio) => {
      radio.checked = true;
    });
  });
})();
