// Behaviour of the shell, bound to data- attributes by delegation so that swapped-in fragments work as well.
(function () {
  "use strict";
  const texts = () => document.getElementById("ui-texts").dataset;
  const on = (type, selector, handle) =>
    document.addEventListener(type, (event) => {
      const element = event.target instanceof Element ? event.target.closest(selector) : null;
      if (element) handle(element, event);
    });
  const each = (root, selector, handle) => {
    if (root instanceof Element && root.matches(selector)) handle(root);
    root.querySelectorAll(selector).forEach(handle);
  };

  // Theme
  const showTheme = () =>
    document.querySelectorAll("[data-theme-set]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.themeSet === document.documentElement.dataset.themeChoice));
    });
  on("click", "[data-theme-set]", (button) => {
    window.crmsyncTheme(button.dataset.themeSet);
    showTheme();
  });

  // Toasts
  const dismissLater = (note) => {
    let timer = setTimeout(() => note.remove(), 6000);
    note.addEventListener("mouseenter", () => clearTimeout(timer));
    note.addEventListener("focusin", () => clearTimeout(timer));
    note.addEventListener("mouseleave", () => (timer = setTimeout(() => note.remove(), 3000)));
  };
  const toast = ({ text, tone = "blue", action, run }) => {
    const note = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    note.classList.add(`toast-${tone}`);
    note.querySelectorAll("[data-toast-icon]").forEach((slot) => {
      if (slot.dataset.toastIcon === tone) slot.replaceWith(slot.firstElementChild);
      else slot.remove();
    });
    note.querySelector(".toast-text").textContent = text;
    if (action) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-sm";
      button.textContent = action;
      button.addEventListener("click", () => {
        note.remove();
        run();
      });
      note.querySelector(".toast-text").after(button);
    } else if (tone === "green" || tone === "blue") dismissLater(note);
    document.getElementById("toasts").append(note);
    return note;
  };
  on("click", "[data-dismiss]", (button) => button.closest(".toast-note, .notice")?.remove());
  document.addEventListener("toast", (event) => toast(event.detail));

  // Dialogs
  const dropDialog = (dialog) => {
    if (dialog.open) dialog.close();
  };
  const openDialog = (dialog) => {
    if (!dialog.open) dialog.showModal();
  };
  on("click", "[data-dialog-open]", (button) => {
    const dialog = document.querySelector(button.dataset.dialogOpen);
    if (dialog) openDialog(dialog);
  });
  on("click", "[data-dialog-close]", (button) => dropDialog(button.closest("dialog")));
  on("mousedown", "dialog.sheet", (dialog, event) => {
    if (event.target !== dialog) return;
    const box = dialog.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) dropDialog(dialog);
  });

  // Confirmation: says what will happen, then repeats the click or submit.
  let confirmed = null;
  const fillConfirm = (dialog, asked) => {
    const { confirm, confirmText, confirmTemplate, confirmButton, confirmTone, confirmType } = asked.dataset;
    const body = dialog.querySelector("#confirm-body");
    const yes = dialog.querySelector("[data-confirm-yes]");
    const typing = dialog.querySelector("[data-confirm-typing]");
    const word = dialog.querySelector("#confirm-word");
    const template = confirmTemplate && document.getElementById(confirmTemplate);
    dialog.querySelector("#confirm-title").textContent = confirm;
    body.replaceChildren(template ? template.content.cloneNode(true) : document.createTextNode(confirmText || ""));
    yes.textContent = confirmButton || yes.dataset.default;
    yes.className = `btn ${confirmTone === "danger" ? "btn-danger" : "btn-primary"}`;
    typing.hidden = !confirmType;
    typing.querySelector("[data-confirm-word]").textContent = confirmType || "";
    word.value = "";
    yes.disabled = Boolean(confirmType);
    word.oninput = () => (yes.disabled = word.value.trim() !== confirmType);
    return yes;
  };
  const ask = (asked, proceed) => {
    const dialog = document.getElementById("confirm");
    const yes = fillConfirm(dialog, asked);
    yes.onclick = () => {
      dropDialog(dialog);
      proceed();
    };
    openDialog(dialog);
  };
  const hasHx = (element) => ["get", "post", "put", "patch", "delete"].some((verb) => element.hasAttribute(`hx-${verb}`));
  document.addEventListener(
    "click",
    (event) => {
      const asked = event.target instanceof Element ? event.target.closest("[data-confirm]:not(form)") : null;
      if (!asked || asked === confirmed || hasHx(asked)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      ask(asked, () => {
        confirmed = asked;
        asked.click();
        confirmed = null;
      });
    },
    true,
  );
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!form.dataset.confirm || form === confirmed || hasHx(form)) return;
      const sender = event.submitter;
      event.preventDefault();
      event.stopImmediatePropagation();
      ask(form, () => {
        confirmed = form;
        form.requestSubmit(sender || undefined);
        confirmed = null;
      });
    },
    true,
  );
  document.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.elt.dataset.confirm) return;
    event.preventDefault();
    ask(event.detail.elt, () => event.detail.issueRequest(true));
  });

  // htmx: what went wrong, with another try
  const reason = (status) => {
    const words = texts();
    return { 0: words.offline, 403: words.forbidden, 404: words.missing, 410: words.missing, 429: words.many }[status] || words.failed;
  };
  const requestFailed = (event) => {
    const { elt, requestConfig, xhr } = event.detail;
    if (elt.hasAttribute("data-quiet")) return;
    const again = () =>
      window.htmx.ajax(requestConfig.verb, requestConfig.path, { source: elt, values: requestConfig.parameters, target: event.detail.target });
    const retry = requestConfig.verb === "get" || !xhr.status ? { action: texts().retry, run: again } : {};
    toast({ text: reason(xhr.status), tone: "red", ...retry });
  };
  document.addEventListener("htmx:responseError", requestFailed);
  document.addEventListener("htmx:sendError", requestFailed);
  // Logged out meanwhile: the whole page goes to the log-in, not a fragment of it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { login } = texts();
    const answered = event.detail.xhr.responseURL;
    if (!login || !answered || new URL(answered).pathname !== login) return;
    event.detail.shouldSwap = false;
    location.assign(`${login}?next=${encodeURIComponent(location.pathname + location.search)}`);
  });

  // Whoever has pressed a link waits for the next page on this one. A download leaves no page: the mark is good for a while only.
  let left = -Infinity;
  window.addEventListener("beforeunload", () => (left = Date.now()));
  const isLeaving = () => Date.now() - left < 10000;

  // What renews itself does not do so under somebody's hand: neither while a dialog asks, nor between press and release, nor on the way out,
  // where an answer that loads this page anew would take the next one away.
  const isPoll = (element) => (element.getAttribute("hx-trigger") || "").startsWith("every");
  const isBusy = (element) => element.matches(":active") || document.querySelector("dialog[open]") || isLeaving();
  const holdStill = (event) => {
    if (isPoll(event.detail.elt) && isBusy(event.detail.elt)) event.preventDefault();
  };
  document.addEventListener("htmx:beforeRequest", holdStill);
  document.addEventListener("htmx:beforeOnLoad", holdStill);

  // A run that ended loads its page anew. What somebody has typed on it and not sent yet stays: then only the part itself is renewed.
  let isTyped = false;
  document.addEventListener("input", (event) => (isTyped ||= event.target.form?.method === "post"));
  document.addEventListener("submit", () => (isTyped = false));
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { elt, xhr } = event.detail;
    if (event.defaultPrevented || !isTyped || !isPoll(elt) || !xhr.getResponseHeader("HX-Refresh")) return;
    event.preventDefault();
    window.htmx.swap(elt, xhr.responseText, { swapStyle: "outerHTML" });
  });

  // Skeletons appear only when an answer takes longer than 300 ms.
  const waiting = new WeakMap();
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, target } = event.detail;
    const template = elt.dataset.skeleton && document.querySelector(elt.dataset.skeleton);
    if (!template || !target) return;
    waiting.set(elt, setTimeout(() => target.replaceChildren(template.content.cloneNode(true)), 300));
  });
  const answered = (event) => clearTimeout(waiting.get(event.detail.requestConfig?.elt));
  document.addEventListener("htmx:beforeSwap", answered);
  // A request that was replaced by the next one, or failed, comes to no swap.
  document.addEventListener("htmx:afterRequest", answered);

  // Copy and download
  const copied = (button) => {
    const before = button.innerHTML;
    if (button.dataset.busy) return;
    button.dataset.busy = "1";
    button.textContent = texts().copied;
    setTimeout(() => {
      button.innerHTML = before;
      delete button.dataset.busy;
    }, 1600);
  };
  on("click", "[data-copy], [data-copy-target]", (button) => {
    const source = button.dataset.copyTarget ? document.querySelector(button.dataset.copyTarget) : null;
    const text = source ? (source.value ?? source.innerText) : button.dataset.copy;
    navigator.clipboard.writeText(text.trim()).then(
      () => copied(button),
      () => toast({ text: texts().failed, tone: "red" }),
    );
  });
  on("click", "[data-download]", (button) => {
    const source = document.querySelector(button.dataset.downloadTarget);
    const address = URL.createObjectURL(new Blob([(source.value ?? source.innerText).trim() + "\n"], { type: "text/plain" }));
    const link = Object.assign(document.createElement("a"), { href: address, download: button.dataset.download });
    link.click();
    URL.revokeObjectURL(address);
  });

  // Table rows that open their record; the link inside stays the real one.
  on("click", "tr[data-href]", (row, event) => {
    if (event.target.closest("a, button, input, label, select, summary") || String(window.getSelection())) return;
    if (event.metaKey || event.ctrlKey) window.open(row.dataset.href, "_blank", "noopener");
    else location.assign(row.dataset.href);
  });

  // Times
  const ago = () => {
    const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
    const steps = [["day", 86400], ["hour", 3600], ["minute", 60]];
    document.querySelectorAll("time[data-ago]").forEach((time) => {
      const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
      const size = Math.abs(seconds);
      if (Number.isNaN(size) || size > 30 * 86400) return;
      const step = steps.find(([, length]) => size >= length);
      time.textContent = size < 45 || !step ? texts().now : relative.format(Math.round(seconds / step[1]), step[0]);
    });
  };
  setInterval(ago, 30000);

  // Keyboard
  const typing = (element) => element.closest("input, textarea, select, [contenteditable], dialog[open]") !== null;
  const go = { h: "accounts:home", p: "contacts:list", i: "invoices:list", c: "integrations:list", s: "accounts:settings" };
  const goTo = (key) => document.querySelector(`.rail a[data-go="${go[key]}"]`)?.click();
  let leader = 0;
  const press = { "/": "#global-search", n: "#add-new" };
  const shortcut = (key) => {
    if (press[key]) {
      const element = document.querySelector(press[key]);
      element?.focus();
      if (element?.matches("input")) element.select();
      else element?.click();
      return Boolean(element);
    }
    if (key === "?") {
      const help = document.getElementById("keys");
      if (help) openDialog(help);
      return Boolean(help);
    }
    const own = document.querySelector(`[data-shortcut="${CSS.escape(key)}"]`);
    own?.click();
    return Boolean(own);
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
    if (Date.now() - leader < 1200 && go[event.key]) {
      leader = 0;
      goTo(event.key);
    } else if (event.key === "g") leader = Date.now();
    else if (!shortcut(event.key)) return;
    event.preventDefault();
  });
  const listShortcuts = () => {
    const list = document.querySelector("[data-keys]");
    document.querySelectorAll("[data-shortcut]").forEach((element) => {
      element.setAttribute("aria-keyshortcuts", element.dataset.shortcut);
      if (!list || list.querySelector(`[data-own="${CSS.escape(element.dataset.shortcut)}"]`)) return;
      const name = document.createElement("dt");
      const keys = document.createElement("dd");
      const key = document.createElement("kbd");
      name.textContent = element.dataset.shortcutLabel || element.textContent.trim();
      name.dataset.own = key.textContent = element.dataset.shortcut;
      keys.append(key);
      list.append(name, keys);
    });
  };

  // Everything that needs a look at new content
  const prepare = (root) => {
    each(root, "[data-progress]", (bar) => bar.style.setProperty("width", `${bar.dataset.progress}%`));
    // What offers something to press stays until it is closed: reading and deciding take their time.
    each(root, "[data-autodismiss]:not(:has(.toast-text a, .toast-text button))", dismissLater);
    each(root, "dialog[data-open-now]", (dialog) => {
      dialog.removeAttribute("data-open-now");
      dialog.addEventListener("close", () => dialog.remove());
      openDialog(dialog);
    });
    each(root, "tr[data-href]:not(:has(a[href]))", (row) => row.setAttribute("tabindex", "0"));
    each(root, ".table-cards td[data-label]", (cell) => {
      cell.classList.toggle("is-blank", !cell.textContent.trim() && !cell.querySelector("img, input, select, svg"));
    });
    showTheme();
    listShortcuts();
  };
  on("keydown", "tr[data-href][tabindex]", (row, event) => {
    if (event.key === "Enter" && event.target === row) location.assign(row.dataset.href);
  });
  document.addEventListener("DOMContentLoaded", () => {
    prepare(document);
    // On a phone the tab of this page may be beyond the edge.
    document.querySelectorAll(".tabs a[aria-current]").forEach((tab) => {
      tab.parentElement.scrollLeft = tab.offsetLeft + tab.offsetWidth - tab.parentElement.clientWidth;
    });
  });
  document.addEventListener("htmx:afterSwap", () => prepare(document.body));
  window.crmsync = { toast };
})();
