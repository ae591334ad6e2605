// Forms: repeated rows, dependent fields, selections, sending once.
(function () {
  "use strict";
  const on = (type, selector, handle) =>
    document.addEventListener(type, (event) => {
      const element = event.target instanceof Element ? event.target.closest(selector) : null;
      if (element) handle(element, event);
    });

  // Repeated rows (a Django formset): add, remove, move
  const shownRows = (box) => [...box.querySelectorAll("[data-repeat-row]")].filter((row) => !row.hidden);
  const renumber = (box) => {
    const rows = shownRows(box);
    rows.forEach((row, index) => {
      const order = row.querySelector('input[name$="-ORDER"]');
      if (order) order.value = String(index + 1);
      row.querySelector("[data-repeat-up]")?.toggleAttribute("disabled", index === 0);
      row.querySelector("[data-repeat-down]")?.toggleAttribute("disabled", index === rows.length - 1);
    });
  };
  on("click", "[data-repeat-add]", (button) => {
    const box = button.closest("[data-repeat]");
    const total = box.querySelector('input[name$="-TOTAL_FORMS"]');
    const holder = document.createElement("div");
    holder.innerHTML = box.querySelector("[data-repeat-template]").innerHTML.replaceAll("__prefix__", total.value);
    const row = holder.firstElementChild;
    total.value = String(Number(total.value) + 1);
    box.querySelector("[data-repeat-rows]").append(row);
    renumber(box);
    row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  });
  on("click", "[data-repeat-remove]", (button) => {
    const row = button.closest("[data-repeat-row]");
    const box = row.closest("[data-repeat]");
    const mark = row.querySelector('input[name$="-DELETE"]');
    if (mark) {
      if (mark.type === "checkbox") mark.checked = true;
      else mark.value = "on";
      row.hidden = true;
      row.querySelectorAll("[required]").forEach((field) => field.removeAttribute("required"));
    } else row.remove();
    renumber(box);
    box.querySelector("[data-repeat-add]").focus();
  });
  const move = (button, step) => {
    const row = button.closest("[data-repeat-row]");
    const box = row.closest("[data-repeat]");
    const rows = shownRows(box);
    const other = rows[rows.indexOf(row) + step];
    if (!other) return;
    if (step < 0) other.before(row);
    else other.after(row);
    renumber(box);
    if (button.disabled) row.querySelector("button:not([disabled])")?.focus();
    else button.focus();
  };
  on("click", "[data-repeat-up]", (button) => move(button, -1));
  on("click", "[data-repeat-down]", (button) => move(button, 1));

  on("click", "[data-reveal]", (button) => {
    const field = button.parentElement.querySelector("input");
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
  });

  // Dependent fields
  const valueOf = (field) => {
    if (field.type === "checkbox") return field.checked ? "on" : "";
    if (field.type === "radio") return field.form?.elements[field.name]?.value ?? "";
    return field.value;
  };
  const reveal = (field) => {
    const wanted = (field.dataset.showsWhen ?? "on").split("|");
    const shown = wanted.includes(valueOf(field));
    document.querySelectorAll(field.dataset.shows).forEach((target) => {
      const box = target.closest(".field") ?? target;
      box.hidden = !shown;
    });
  };
  const revealAll = () => document.querySelectorAll("[data-shows]").forEach(reveal);
  document.addEventListener("change", revealAll);
  document.addEventListener("input", (event) => {
    if (event.target instanceof Element && event.target.matches("[data-shows]")) reveal(event.target);
  });

  // Selection of rows
  const boxes = (group) => [...document.querySelectorAll(`[data-select="${CSS.escape(group)}"]`)];
  const showSelection = (group) => {
    const all = boxes(group);
    const picked = all.filter((box) => box.checked);
    all.forEach((box) => box.closest("tr")?.classList.toggle("is-selected", box.checked));
    document.querySelectorAll(`[data-select-all="${CSS.escape(group)}"]`).forEach((head) => {
      head.checked = all.length > 0 && picked.length === all.length;
      head.indeterminate = picked.length > 0 && picked.length < all.length;
    });
    document.querySelectorAll(`[data-selection="${CSS.escape(group)}"]`).forEach((bar) => {
      bar.hidden = picked.length === 0;
      bar.querySelectorAll("[data-selection-count]").forEach((slot) => (slot.textContent = String(picked.length)));
    });
  };
  on("change", "[data-select-all]", (head) => {
    boxes(head.dataset.selectAll).forEach((box) => (box.checked = head.checked));
    showSelection(head.dataset.selectAll);
  });
  on("change", "[data-select]", (box) => showSelection(box.dataset.select));

  on("change", "[data-autosubmit]", (field) => field.form.requestSubmit());

  // A form is sent once, however often the button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method") !== "post" || form.hasAttribute("target") || form.hasAttribute("hx-post")) return;
    if (form.classList.contains("is-sending")) event.preventDefault();
    form.classList.add("is-sending");
    setTimeout(() => form.classList.remove("is-sending"), 8000);
  });
  window.addEventListener("pageshow", () => document.querySelectorAll(".is-sending").forEach((form) => form.classList.remove("is-sending")));

  // The first field that is wrong gets the focus.
  const prepare = () => {
    document.querySelectorAll("[data-repeat]").forEach(renumber);
    revealAll();
    // Rows may be picked already: before the page listened, or when it was left and came back.
    new Set([...document.querySelectorAll("[data-select]")].map((box) => box.dataset.select)).forEach(showSelection);
  };
  document.addEventListener("DOMContentLoaded", () => {
    prepare();
    document.querySelector('main [aria-invalid="true"]')?.focus();
  });
  document.addEventListener("htmx:afterSwap", prepare);
})();
