// Contacts: tags as chips, the organisation picker, "Note" in the header. Without this file the fields are plain text.
(function () {
  "use strict";
  const on = (type, selector, handle) =>
    document.addEventListener(type, (event) => {
      const element = event.target instanceof Element ? event.target.closest(selector) : null;
      if (element) handle(element, event);
    });

  on("click", "[data-focus]", (button) => {
    const field = document.querySelector(button.dataset.focus);
    field?.scrollIntoView({ block: "center" });
    field?.focus();
  });

  // Picker: a list under a text field; the chosen id goes into the hidden field beside it.
  const parts = (picker) => ({
    typed: picker.querySelector("[role=combobox]"),
    chosen: picker.querySelector("input[type=hidden]"),
    list: picker.querySelector("[role=listbox]"),
  });
  const options = (picker) => [...picker.querySelectorAll("[role=option]")];
  const activate = (picker, option) => {
    options(picker).forEach((other) => {
      other.classList.toggle("is-active", other === option);
      other.setAttribute("aria-selected", String(other === option));
    });
    const { typed } = parts(picker);
    if (option) typed.setAttribute("aria-activedescendant", option.id);
    else typed.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };
  const closePicker = (picker) => {
    const { typed, list } = parts(picker);
    list.replaceChildren();
    typed.setAttribute("aria-expanded", "false");
  };
  const choose = (picker, option) => {
    const { typed, chosen } = parts(picker);
    typed.value = option.dataset.pickLabel;
    chosen.value = option.dataset.pick;
    closePicker(picker);
    typed.focus();
  };
  on("input", "[data-picker] [role=combobox]", (typed) => (parts(typed.closest("[data-picker]")).chosen.value = ""));
  on("mousedown", "[data-picker] [data-pick]", (option, event) => {
    event.preventDefault();
    choose(option.closest("[data-picker]"), option);
  });
  on("focusout", "[data-picker] [role=combobox]", (typed) => closePicker(typed.closest("[data-picker]")));
  on("keydown", "[data-picker] [role=combobox]", (typed, event) => {
    const picker = typed.closest("[data-picker]");
    const all = options(picker);
    const at = all.findIndex((option) => option.classList.contains("is-active"));
    if (event.key === "ArrowDown" && all.length) activate(picker, all[Math.min(at + 1, all.length - 1)]);
    else if (event.key === "ArrowUp" && all.length) activate(picker, all[Math.max(at - 1, 0)]);
    else if (event.key === "Enter" && at >= 0) choose(picker, all[at]);
    else if (event.key === "Escape" && all.length) closePicker(picker);
    else return;
    event.preventDefault();
  });
  // A late answer neither opens the list again once somebody has chosen or gone on, nor takes the marked option away.
  let marked = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    marked = event.target.closest?.("[data-picker]")?.querySelector("[role=option].is-active")?.dataset.pick ?? null;
  });
  // (Settled, not swapped: htmx gives the new option the classes of the old one until then.)
  document.addEventListener("htmx:afterSettle", (event) => {
    const picker = event.target.closest?.("[data-picker]");
    if (!picker) return;
    const { typed, chosen } = parts(picker);
    if (chosen.value || document.activeElement !== typed) return closePicker(picker);
    typed.setAttribute("aria-expanded", String(options(picker).length > 0));
    activate(picker, options(picker).find((option) => option.dataset.pick === marked) ?? null);
  });

  // Tags: a comma-separated field shown as chips.
  const chip = (name, remove) => {
    const box = document.createElement("span");
    const button = document.createElement("button");
    box.className = "tag-chip";
    box.textContent = name;
    button.type = "button";
    button.textContent = "\u00d7";
    button.setAttribute("aria-label", `${name} \u00d7`);
    button.addEventListener("click", remove);
    box.append(button);
    return box;
  };
  const tagField = (field) => {
    if (field.dataset.ready) return;
    field.dataset.ready = "1";
    let names = field.value.split(",").map((name) => name.trim()).filter(Boolean);
    const box = document.createElement("div");
    const entry = document.createElement("input");
    const label = document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
    box.className = "tag-box";
    entry.id = `${field.id}-entry`;
    entry.maxLength = 60;
    entry.autocomplete = "off";
    entry.setAttribute("list", field.dataset.suggestions);
    if (field.getAttribute("aria-describedby")) entry.setAttribute("aria-describedby", field.getAttribute("aria-describedby"));
    if (label) label.htmlFor = entry.id;
    const draw = () => {
      field.value = [...names, entry.value.trim()].filter(Boolean).join(", ");
      box.replaceChildren(
        ...names.map((name) => chip(name, () => ((names = names.filter((other) => other !== name)), draw(), entry.focus()))),
        entry,
      );
    };
    const take = () => {
      const typed = entry.value.split(",").map((name) => name.trim()).filter(Boolean);
      entry.value = "";
      names = [...names, ...typed.filter((name) => !names.some((known) => known.toLowerCase() === name.toLowerCase()))];
      draw();
    };
    entry.addEventListener("keydown", (event) => {
      if ((event.key === "Enter" || event.key === ",") && entry.value.trim()) {
        event.preventDefault();
        take();
        entry.focus();
      } else if (event.key === "Backspace" && !entry.value && names.length) {
        names = names.slice(0, -1);
        draw();
        entry.focus();
      }
    });
    entry.addEventListener("input", (event) => {
      const picked = event.inputType === undefined || event.inputType === "insertReplacementText";
      if (picked && entry.value) {
        take();
        entry.focus();
      } else field.value = [...names, entry.value.trim()].filter(Boolean).join(", ");
    });
    entry.addEventListener("change", () => entry.value.trim() && take());
    field.hidden = true;
    field.after(box);
    draw();
  };
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-tags]").forEach(tagField));
})();
