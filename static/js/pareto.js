// The ABC curve: bars of revenue and the line of their cumulative share, and the same as a table.
(function () {
  "use strict";
  const card = document.querySelector("[data-pareto]");
  const canvas = card?.querySelector("[data-pareto-canvas]");
  if (!canvas || !window.Chart) return;
  const language = document.documentElement.lang || "en";
  const percent = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const words = canvas.dataset;
  let chart = null;
  let found = null;

  // Colours are written in the style sheet; here they are read as the theme resolves them.
  const colour = (name) => {
    const probe = document.createElement("span");
    probe.className = `pareto-${name}`;
    canvas.parentElement.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };
  const money = (places) => new Intl.NumberFormat(language, { style: "currency", currency: found.currency, maximumFractionDigits: places });
  const compact = () => new Intl.NumberFormat(language, { style: "currency", currency: found.currency, notation: "compact" });

  const draw = () => {
    chart?.destroy();
    const colours = { A: colour("a"), B: colour("b"), C: colour("c") };
    const [line, grid, ink] = [colour("line"), colour("grid"), colour("ink")];
    const bars = found.bars;
    const short = compact();
    const full = money(2);
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    chart = new Chart(canvas, {
      data: {
        labels: bars.map((bar) => bar.label),
        datasets: [
          { type: "line", data: bars.map((bar) => bar.cumulative), yAxisID: "share", borderColor: line, backgroundColor: line, borderWidth: 2, pointRadius: 0, pointHitRadius: 8, tension: 0.2 },
          { type: "bar", data: bars.map((bar) => bar.revenue), yAxisID: "revenue", backgroundColor: bars.map((bar) => colours[bar.class]), barPercentage: 0.94, categoryPercentage: 0.94, minBarLength: 1 },
        ],
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        onClick: (_event, hits) => hits.length && location.assign(bars[hits[0].index].url),
        onHover: (event, hits) => event.native.target.classList.toggle("is-clickable", hits.length > 0),
        scales: {
          x: { ticks: { display: false }, grid: { display: false }, border: { color: grid } },
          revenue: { axis: "y", beginAtZero: true, ticks: { color: ink, maxTicksLimit: 6, callback: (value) => short.format(value) }, grid: { color: grid }, border: { display: false } },
          share: { axis: "y", position: "right", min: 0, max: 100, ticks: { color: ink, stepSize: 20, callback: (value) => `${value} %` }, grid: { display: false }, border: { display: false } },
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            displayColors: false,
            callbacks: {
              title: (items) => bars[items[0].dataIndex].label,
              label: (item) => (item.datasetIndex === 0 ? `${words.cumulative}: ${percent.format(item.raw)} %` : `${words.revenue}: ${full.format(item.raw)}`),
              afterBody: (items) => `${words.class}: ${bars[items[0].dataIndex].class}`,
            },
          },
        },
      },
    });
  };

  const cell = (text, { label, number } = {}) => {
    const made = document.createElement("td");
    made.textContent = text;
    if (label) made.dataset.label = label;
    if (number) made.className = "num";
    return made;
  };
  const tabulate = () => {
    const heads = [...card.querySelectorAll("thead th")].map((head) => head.textContent);
    const full = money(2);
    card.querySelector("[data-pareto-rows]").replaceChildren(
      ...found.bars.map((bar) => {
        const row = document.createElement("tr");
        const name = document.createElement("td");
        name.className = "cell-title";
        const link = document.createElement("a");
        link.href = bar.url;
        link.textContent = bar.label;
        name.append(link);
        const share = (value) => `${percent.format(value)} %`;
        const numbers = [String(bar.customers), full.format(bar.revenue), share(bar.share), share(bar.cumulative)];
        row.append(name, cell(bar.class, { label: heads[1] }), ...numbers.map((text, index) => cell(text, { label: heads[index + 2], number: true })));
        return row;
      }),
    );
  };

  const load = async () => {
    const wait = card.querySelector("[data-pareto-wait]");
    try {
      const answer = await fetch(card.dataset.pareto, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      found = await answer.json();
      draw();
      tabulate();
    } catch {
      card.querySelector("[data-pareto-failed]").hidden = false;
    }
    wait.hidden = true;
  };
  new MutationObserver(() => found && draw()).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
  load();
})();
