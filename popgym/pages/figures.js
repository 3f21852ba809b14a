// How figures look, and the drawing of those that the page's data lists. The data is JSON in the
// element "data"; its list "figures", if there is one, is made by popgym/pages/figures.py.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const DASHES = ["solid", "dash", "dot", "dashdot"];
const COLOURS = 10; // --colour-0 ... in page.css
const byId = (name) => document.getElementById(name);

// ---- looks

const printing = () => document.documentElement.classList.contains("printing");
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colour = (series) => style(`--colour-${series % COLOURS}`);
const dash = (series) => DASHES[Math.floor(series / COLOURS) % DASHES.length];

/** A name as plotly shows it: plotly reads labels as markup. */
function label(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function translucent(hex, opacity) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return `rgba(${r},${g},${b},${opacity})`;
}

function axis(title, more = {}) {
  return {
    title: { text: title, standoff: 8 }, gridcolor: style("--line"), zerolinecolor: style("--line"),
    linecolor: style("--line"), automargin: true, ...more,
  };
}

/** The layout of a figure; zooms are kept while ``view`` is the same. */
function layout(view, x, y, more = {}) {
  return {
    uirevision: view, xaxis: x, yaxis: y, margin: { l: 8, r: 8, t: 12, b: 8 }, hovermode: "closest",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: style("--font"), size: 13, color: style("--ink") },
    hoverlabel: { bgcolor: style("--surface"), font: { color: style("--ink") } },
    legend: { itemwidth: 30 }, ...more,
  };
}

const CONFIG = { responsive: true, displaylogo: false, displayModeBar: false };

/** A line, in the colour and dashes of a series. */
function line(series, name, x, y, hover, more = {}) {
  return {
    x, y, name: label(name), meta: series, mode: "lines",
    line: { color: colour(series), dash: dash(series), width: 2 }, hovertemplate: hover, ...more,
  };
}

/** The band between two bounds. */
function band(series, x, low, high) {
  return {
    x: [...x, ...[...x].reverse()], y: [...high, ...[...low].reverse()], meta: series,
    fill: "toself", fillcolor: translucent(colour(series), 0.13), mode: "lines",
    line: { width: 0 }, hoverinfo: "skip", showlegend: false,
  };
}

/** A dotted line across the figure with its name; a shape and an annotation of plotly. */
function reference(y, text, side) {
  return {
    shape: { type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, layer: "below",
             line: { color: style("--faint"), dash: "dot", width: 1 } },
    note: { xref: "paper", x: 0, y, text, showarrow: false, xanchor: "left", yanchor: side,
            font: { color: style("--faint"), size: 11 } },
  };
}

/** Give a figure the size of paper while the page is printed. */
function fitToPaper(plot, look) {
  if (printing()) look.width = plot.classList.contains("short") ? 310 : 640; // half a page, a page
}

/** Call a function now, and whenever the colours or the width of the page change. */
function drawWithPage(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  matchMedia("(min-width: 800px)").addEventListener("change", redraw);
  for (const [event, start] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      document.documentElement.classList.toggle("printing", start); // light colours on paper
      redraw();
    });
  }
  redraw();
}

// ---- figures that the page's data lists

function heatOf({ x, y, z, hover, bar }) {
  return {
    type: "heatmap", x, y, z, zmin: 0, hovertemplate: hover,
    colorscale: [[0, style("--surface")], [1, style("--accent")]],
    colorbar: { title: { text: label(bar), side: "right" }, thickness: 12, outlinewidth: 0 },
  };
}

/** Runs of neighbouring places at which both bounds are known. */
function stretches(low, high) {
  const found = [];
  low.forEach((_, i) => {
    if (low[i] === null || high[i] === null) return;
    if (found.at(-1)?.at(-1) === i - 1) found.at(-1).push(i);
    else found.push([i]);
  });
  return found;
}

function errorBars({ series, y, low, high }) {
  const length = (from, to) => (from === null || to === null ? null : to - from);
  return {
    array: y.map((value, i) => length(value, high[i])),
    arrayminus: y.map((value, i) => length(low[i], value)),
    thickness: 1.5, width: 0, color: colour(series),
  };
}

function linesOf(trace, place) {
  const { kind, series, name, x, y, low, high, hover } = trace;
  const legendgroup = String(place); // the key switches a line together with its bands
  if (kind === "points") {
    const marker = { size: 7, color: colour(series) };
    const more = { mode: "lines+markers", marker, legendgroup };
    return [line(series, name, x, y, hover, low ? { ...more, error_y: errorBars(trace) } : more)];
  }
  const bands = stretches(low ?? [], high ?? []).map((places) => {
    const [at, from, to] = [x, low, high].map((values) => places.map((i) => values[i]));
    return { ...band(series, at, from, to), legendgroup };
  });
  return [...bands, line(series, name, x, y, hover, { legendgroup })];
}

function drawFigure({ name, traces, x, y, lines }) {
  const plot = byId(`${name}-plot`);
  const shown = lines.map((each) => reference(each.y, label(each.text), each.side));
  const look = layout(name, axis(label(x.title), x.more), axis(label(y.title), y.more), {
    shapes: shown.map((each) => each.shape), annotations: shown.map((each) => each.note),
    showlegend: new Set(traces.map((each) => each.name).filter(Boolean)).size > 1,
    legend: { orientation: "h", y: -0.25 },
  });
  fitToPaper(plot, look);
  plot.setAttribute("aria-label", byId(`${name}-text`).textContent);
  const tracesOf = (each, i) => (each.kind === "heat" ? heatOf(each) : linesOf(each, i));
  Plotly.react(plot, traces.flatMap(tracesOf), look, CONFIG);
}

if (data.figures) drawWithPage(() => data.figures.forEach(drawFigure));
