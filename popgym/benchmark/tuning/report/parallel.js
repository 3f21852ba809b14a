// Draws the settings and scores of a search as parallel coordinates. It uses popgym/pages/figures.js.
"use strict";

function dimension({ title, places, ticks, labels }) {
  const [low, high] = [Math.min(...places, ...ticks), Math.max(...places, ...ticks)];
  const room = high > low ? 0 : 0.5; // an axis with one value shows it in the middle
  return {
    label: label(title), values: places, tickvals: ticks, ticktext: labels.map(label),
    range: [low - room, high + room],
  };
}

function drawParallel() {
  const plot = byId("parallel-plot");
  const { axes } = data.parallel;
  const scores = axes.at(-1).places;
  const trace = {
    type: "parcoords", dimensions: axes.map(dimension), labelangle: -20,
    labelfont: { color: style("--ink") }, tickfont: { color: style("--ink") },
    rangefont: { color: "rgba(0,0,0,0)" }, // the ticks say it
    line: { color: scores, colorscale: [[0, style("--line")], [1, style("--accent")]] },
  };
  const look = layout("parallel", {}, {}, { margin: { l: 60, r: 60, t: 90, b: 20 } });
  fitToPaper(plot, look);
  plot.setAttribute("aria-label", byId("parallel-text").textContent);
  Plotly.react(plot, [trace], look, CONFIG);
}

if (data.parallel.axes.length) drawWithPage(drawParallel);
