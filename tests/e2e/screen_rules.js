// What every screen must keep, whatever it shows. Gives a list of sentences; an empty list is a good screen.
() => {
  const problems = [];
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const words = (element) => (element?.textContent || "").replace(/\s+/g, " ").trim();
  const shown = (element) => {
    const classes = element.getAttribute("class");
    return `<${element.localName}${element.id ? `#${element.id}` : classes ? `.${classes.trim().split(/\s+/)[0]}` : ""}> “${words(element).slice(0, 40)}”`;
  };

  const named = (element) => {
    const by = (element.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
    if (by.some((id) => words(document.getElementById(id)))) return true;
    if ((element.getAttribute("aria-label") || "").trim()) return true;
    if ([...(element.labels || [])].some((label) => words(label))) return true;
    if (["input", "select", "textarea"].includes(element.localName)) return Boolean(element.title || (element.type === "submit" && element.value));
    return Boolean(words(element) || element.title || all("[aria-label], img[alt]:not([alt=''])", element).length);
  };
  const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=combobox], [role=option], [role=progressbar], dialog[open]";
  all(controls).filter(seen).filter((element) => !named(element)).forEach((element) => problems.push(`no name: ${shown(element)}`));

  const headings = all("h1, h2, h3, h4, h5, h6").filter(seen);
  const firsts = headings.filter((heading) => heading.localName === "h1");
  if (firsts.length !== 1) problems.push(`${firsts.length} first headings`);
  const inside = headings.filter((heading) => heading.closest("main") && !heading.closest("dialog"));
  inside.forEach((heading, at) => {
    const before = at ? Number(inside[at - 1].localName[1]) : 0;
    if (Number(heading.localName[1]) > before + 1) problems.push(`skips a level: ${shown(heading)}`);
  });
  if (all("main").filter(seen).length !== 1) problems.push("not exactly one main part");
  if (!document.documentElement.lang || !document.title.trim()) problems.push("no language or title");

  const ids = new Map();
  all("[id]").forEach((element) => ids.set(element.id, (ids.get(element.id) || 0) + 1));
  ids.forEach((count, id) => count > 1 && problems.push(`${count} elements are #${id}`));
  all("[aria-labelledby], [aria-describedby], label[for]").filter(seen).forEach((element) => {
    const wanted = ["aria-labelledby", "aria-describedby", "for"].flatMap((name) => (element.getAttribute(name) || "").split(/\s+/).filter(Boolean));
    wanted.filter((id) => !ids.has(id)).forEach((id) => problems.push(`nobody is #${id}: ${shown(element)}`));
  });
  all("img:not([alt])").forEach((element) => problems.push(`no alt: ${shown(element)}`));
  all("[tabindex]").filter((element) => element.tabIndex > 0).forEach((element) => problems.push(`tab order: ${shown(element)}`));
  all("a a, a button, button a, button button").forEach((element) => problems.push(`a control in a control: ${shown(element)}`));

  // Contrast of text on the nearest plain background: 4.5, or 3 for large text.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3])).concat(1);
  const luminance = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null;
      layers.unshift(rgba(style.backgroundColor));
      if (layers[0][3] === 1) break;
    }
    return layers.reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const told = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const off = element?.closest("[disabled], [aria-hidden=true], svg, script, template, option, .visually-hidden");
    if (!texts.currentNode.data.trim() || off || !seen(element)) continue;
    const style = getComputedStyle(element);
    const below = ground(element);
    if (!below) continue;
    const [light, dark] = [luminance(over(rgba(style.color), below)), luminance(below)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const told_of = `${element.localName}.${element.className}`;
    if (ratio < least - 0.02 && !told.has(told_of)) {
      told.add(told_of);
      problems.push(`contrast ${ratio.toFixed(2)}: ${shown(element)}`);
    }
  }
  const spilt = (element) => getComputedStyle(element).display !== "inline" && element.scrollWidth > element.clientWidth + 1;
  all(".tile-n, .btn, .badge").filter(seen).filter(spilt).forEach((element) => problems.push(`wider than its box: ${shown(element)}`));
  const over_edge = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (over_edge > 0) problems.push(`${over_edge} px over the edge`);
  return problems;
}
