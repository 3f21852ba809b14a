// What users switch: memories on and off, the task, the axis, light and dark. Uses plots.js.
"use strict";

// ---- a small picture of each task

/** A small picture of each task, which selects it for the large figure. */
function drawMultiples() {
  const box = byId("multiples");
  if (!box) return;
  const pictures = data.tasks.map((task, i) => (task.curves.length ? picture(task, i) : null));
  box.replaceChildren(...pictures.filter((each) => each));
}

function picture(task, place) {
  const [width, height] = [160, 80];
  const [low, high] = rangeOf(task);
  const end = Math.max(...task.curves.map((curve) => curve.steps[1]));
  const paths = task.curves.filter((curve) => !hidden.has(curve.memory)).map((curve) => {
    const every = Math.max(1, Math.floor(curve.value.length / 50));
    const steps = stepsOf(curve);
    const across = (x) => ((x / end) * width).toFixed(1);
    const down = (y) => (((high - y) / (high - low)) * height).toFixed(1);
    const points = curve.value.map((value, i) => `${across(steps[i])},${down(value)}`);
    return svg("polyline", {
      points: points.filter((_, i) => i % every === 0).join(" "), stroke: colour(curve.memory),
      "stroke-dasharray": dash(curve.memory) === "solid" ? "" : "4 2",
    });
  });
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, paths);
  const button = document.createElement("button");
  button.type = "button";
  button.value = String(place);
  // A zero-width space lets a long name break between its words.
  button.append(drawing, task.name.replace(/([a-z0-9])(?=[A-Z])/g, "$1\u200b"));
  button.addEventListener("click", () => {
    byId("task").value = button.value;
    drawCurves();
    byId("curve-plot").scrollIntoView({ block: "center" });
  });
  return button;
}

function svg(name, attributes, children = []) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// ---- switching memories on and off

function toggle(memory) {
  if (!hidden.delete(memory)) hidden.add(memory);
  drawAll();
}

/** Show one memory alone, or all if it is alone already. */
function only(memory) {
  const alone = hidden.size === data.memories.length - 1 && !hidden.has(memory);
  hidden.clear();
  if (!alone) data.memories.forEach((_, i) => i !== memory && hidden.add(i));
  drawAll();
}

function fillChips(box) {
  const chips = data.memories.map((name, i) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.value = String(i);
    chip.style.setProperty("--colour", `var(--colour-${i % COLOURS})`);
    chip.style.setProperty("--line-style", ["solid", "dashed", "dotted", "double"][Math.floor(i / COLOURS) % 4]);
    chip.textContent = name;
    chip.addEventListener("click", () => toggle(i));
    return chip;
  });
  box.append(...chips);
}

function drawAll() {
  for (const chip of document.querySelectorAll(".chips button")) {
    chip.setAttribute("aria-pressed", String(!hidden.has(Number(chip.value))));
  }
  drawMultiples();
  drawCurves();
  drawProfiles();
  Object.keys(COSTS).forEach(drawCosts);
}

document.querySelectorAll(".chips").forEach(fillChips);
byId("task")?.addEventListener("change", drawCurves);
byId("bands")?.addEventListener("change", drawAll);
document.querySelectorAll("input[name=axis]").forEach((each) => each.addEventListener("change", drawCurves));
drawWithPage(drawAll);
