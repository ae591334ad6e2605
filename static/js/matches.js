// The matching screen by keyboard: j and k (or arrows) walk through the rows, Enter saves, / searches; a row that goes hands its place on.
(function () {
  "use strict";
  const rows = () => [...document.querySelectorAll("[data-match]")];
  const here = () => document.activeElement?.closest("[data-match]");
  const typing = (element) => element.closest("input, textarea, select, dialog[open]") !== null;
  const go = (row) => {
    if (!row) return;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const step = (by) => {
    const all = rows();
    const at = all.indexOf(here());
    go(all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)]);
  };
  const steps = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
  const keys = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const row = here();
    if (event.key === "Escape" && row && event.target.matches("[data-match-find]")) {
      row.querySelector(".match-search").replaceChildren();
      go(row);
      return true;
    }
    if (typing(event.target)) return false;
    if (event.key in steps && rows().length) {
      step(steps[event.key]);
      return true;
    }
    if (event.key === "Enter" && row && event.target === row) {
      row.querySelector("[data-match-save], [data-match-search]")?.click();
      return true;
    }
    if (event.key === "/" && document.getElementById("match-q")) {
      document.getElementById("match-q").select();
      document.getElementById("match-q").focus();
      return true;
    }
    return false;
  };
  // Before the shell's own keys, of which "/" is one.
  document.addEventListener("keydown", (event) => {
    if (!event.defaultPrevented && keys(event)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);

  let left = -1;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const row = event.detail.target?.closest?.("[data-match]");
    left = row && row === event.detail.target ? rows().indexOf(row) : -1;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    event.detail.target?.querySelector?.("[data-match-find]")?.focus();
    if (left < 0) return;
    const all = rows();
    go(all[Math.min(left, all.length - 1)]);
    left = -1;
    if (!all.length && document.getElementById("matches")) window.htmx.ajax("GET", location.href, { target: "#matches" });
  });
})();
