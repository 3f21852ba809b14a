// Draws the settings and scores of a search as parallel coordinates, with popgym/pages/figures.js.
// They are lines, because plotly's own parallel coordinates need WebGL and cannot be printed.
"use strict";

const { axes, trials } = data.parallel;

function lineOf({ name, early, text }, i) {
  const heights = axes.map((each) => each.heights[i]);
  const opacity = 0.25 + 0.75 * heights.at(-1); // the last axis is the score
  return {
    ...line(0, name, axes.map((_, x) => x), heights, `${label(text)}<extra></extra>`),
    line: { color: translucent(style("--accent"), opacity), width: 2, dash: early ? "dot" : "solid" },
  };
}

function tickOf(x, y, text) {
  return {
    x, y, text: label(text), showarrow: false, xanchor: "left", font: { size: 11 },
    bgcolor: translucent(style("--surface"), 0.7), borderpad: 1,
  };
}

function drawParallel() {
  const plot = byId("parallel-plot");
  const titles = { tickvals: axes.map((_, x) => x), ticktext: axes.map((each) => label(each.title)) };
  const across = { ...titles, tickangle: -25, showgrid: true, gridcolor: style("--faint"),
                   range: [-0.1, axes.length - 0.4], zeroline: false };
  const look = layout("parallel", axis("", across), { visible: false, range: [-0.03, 1.05] }, {
    showlegend: false,
    annotations: axes.flatMap((each, x) => each.ticks.map((y, i) => tickOf(x, y, each.labels[i]))),
  });
  fitToPaper(plot, look);
  plot.setAttribute("aria-label", byId("parallel-text").textContent);
  Plotly.react(plot, trials.map(lineOf), look, CONFIG);
}

if (axes.length) {
  drawWithPage(drawParallel);
  const plot = byId("parallel-plot");
  plot.on("plotly_hover", ({ points }) => {
    const chosen = points[0].curveNumber;
    Plotly.restyle(plot, { opacity: trials.map((_, i) => (i === chosen ? 1 : 0.15)) });
  });
  plot.on("plotly_unhover", () => Plotly.restyle(plot, { opacity: 1 }));
}
