// Figures: learning curves, performance profiles, scores against costs. plots.py makes the data,
// switches.js calls the functions. Uses figures.js.
"use strict";

const hidden = new Set(); // places of the memories that are switched off

/** Draw a figure whose traces have the memory's place in ``meta``. */
function draw(name, traces, look, text, more = "") {
  const plot = byId(`${name}-plot`);
  if (!plot) return;
  for (const trace of traces) trace.visible = hidden.has(trace.meta) ? "legendonly" : true;
  byId(`${name}-text`).textContent = text;
  plot.setAttribute("aria-label", text + more);
  look.showlegend = printing() || innerWidth >= 800; // on a phone the buttons above are the key
  fitToPaper(plot, look);
  const first = !plot.data;
  Plotly.react(plot, traces, look, CONFIG);
  if (first) {
    // False keeps plotly from switching the trace by itself: all figures change together.
    const memoryOf = (event) => event.data[event.curveNumber].meta;
    plot.on("plotly_legendclick", (event) => (toggle(memoryOf(event)), false));
    plot.on("plotly_legenddoubleclick", (event) => (only(memoryOf(event)), false));
  }
}

/** A line and, where bounds are known, a band around it. */
function lineAndBand(memory, x, y, low, high, hover) {
  const drawn = line(memory, data.memories[memory], x, y, hover);
  const banded = low && (byId("bands")?.checked ?? true);
  return banded ? [band(memory, x, low, high), drawn] : [drawn];
}

// ---- learning curves

function stepsOf(curve) {
  const [start, end] = curve.steps;
  const last = curve.value.length - 1;
  return curve.value.map((_, i) => start + ((end - start) * i) / last);
}

/** The range of the means, the floor and the ceiling; bands may be much wider. */
function rangeOf(task) {
  const known = [task.floor, task.ceiling].filter((each) => each !== null);
  const all = [...known, ...task.curves.flatMap((curve) => curve.value)];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const margin = 0.06 * (high - low || 1);
  return [low - margin, high + margin];
}

function drawCurves() {
  const select = byId("task");
  if (!select) return;
  const task = data.tasks[select.value];
  const time = document.querySelector("input[name=axis]:checked").value === "seconds";
  const traces = task.curves.flatMap((curve) => {
    const x = time ? curve.seconds : stepsOf(curve);
    const side = (sign) => curve.reach && curve.value.map((v, i) => v + sign * curve.reach[i]);
    const hover = time ? "%{y:.3f} after %{x:.3s} s" : "%{y:.3f} at %{x:.3s} steps";
    return lineAndBand(curve.memory, x, curve.value, side(-1), side(1), hover);
  });
  const lines = [[task.floor, "floor", "top"], [task.ceiling, "ceiling", "bottom"]]
    .filter(([y]) => y !== null).map((each) => reference(...each));
  const x = axis(time ? "training time in seconds" : "environment steps", { tickformat: "~s" });
  const y = axis("mean episode return", { range: rangeOf(task) });
  const look = layout(`${task.name} ${time}`, x, y, {
    shapes: lines.map((each) => each.shape), annotations: lines.map((each) => each.note),
  });
  draw("curve", traces, look, curveText(task, time));
  for (const each of document.querySelectorAll("#multiples button")) {
    each.setAttribute("aria-pressed", String(each.value === select.value));
  }
}

function curveText(task, time) {
  const last = (curve) => curve.value[curve.value.length - 1];
  const sorted = [...task.curves].sort((a, b) => last(b) - last(a));
  const ends = sorted.map((curve) => `${data.memories[curve.memory]} ${last(curve).toFixed(2)}`);
  return `${task.name}, against ${time ? "training time" : "steps"}. ` +
    `Mean return at the end: ${ends.join(", ")}.`;
}

// ---- profiles and costs

function drawProfiles() {
  const hover = "%{y:.0%} of runs above %{x:.2f}";
  const traces = data.profiles.flatMap((each) =>
    lineAndBand(each.memory, data.thresholds, each.value, each.low, each.high, hover));
  const look = layout("profile", axis("normalised score"), axis("share of runs above", {
    range: [-0.02, 1.02], tickformat: ".0%",
  }));
  const half = data.thresholds.findIndex((each) => each >= 0.5);
  const shares = data.profiles.map((each) =>
    `${data.memories[each.memory]} ${Math.round(100 * each.value[half])} %`);
  const text = `Share of runs above a normalised score of 0.5: ${shares.join(", ")}.`;
  draw("profile", traces, look, text);
}

const cut = (name) => (name.length > 16 ? `${name.slice(0, 15)}…` : name);
const short = (value) => Number(value.toPrecision(3)).toLocaleString("en");

const SYMBOLS = ["circle", "square", "diamond", "cross"];
const COSTS = {
  parameters: "parameters", state_size: "numbers in the state", seconds: "training time in seconds",
};

function drawCosts(name) {
  const known = data.costs.filter((each) => each[name] !== null);
  const values = known.map((each) => each[name]);
  const zero = Math.min(...values) === 0;
  const place = (value) => (zero ? Math.log10(1 + value) : value); // a logarithm has no zero
  const traces = known.map(({ memory, score, [name]: cost }) => ({
    x: [place(cost)], y: [score[0]], name: label(data.memories[memory]), meta: memory,
    mode: known.length > 8 ? "markers" : "markers+text", // many names would hide each other
    text: [label(cut(data.memories[memory]))], textposition: "top center",
    textfont: { size: 11, color: style("--soft") }, cliponaxis: false,
    marker: { color: colour(memory), size: 9, symbol: SYMBOLS[Math.floor(memory / COLOURS) % 4] },
    showlegend: false,
    error_y: score[1] === null ? {} : {
      array: [score[2] - score[0]], arrayminus: [score[0] - score[1]], thickness: 1.5, width: 0,
      color: colour(memory),
    },
    hovertemplate: `%{y:.2f}, ${COSTS[name]} ${short(cost)}`,
  }));
  const powers = [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6];
  const wide = Math.max(...values) > 10 * Math.min(...values);
  const ticks = zero
    ? { tickvals: powers.map(place), ticktext: ["0", "1", "10", "100", "1k", "10k", "100k", "1M"] }
    : wide ? { type: "log", dtick: 1, tickformat: "~s" } : { rangemode: "tozero", tickformat: "~s" };
  const look = layout(name, axis(COSTS[name], ticks), axis("IQM"));
  const words = known.map((each) =>
    `${data.memories[each.memory]} ${each.score[0].toFixed(2)} at ${short(each[name])}`);
  draw(name, traces, look, `Interquartile mean against ${COSTS[name]}`, `: ${words.join("; ")}`);
}
