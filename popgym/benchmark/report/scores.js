// The table of all scores: a filter, and a limit that keeps sorting fast. Uses tables.js.
"use strict";

const LIMIT = 100;
const scores = document.getElementById("score-table");
const filter = document.getElementById("filter");
const more = document.createElement("button");
const names = new Map(); // row → its task and memory
let whole = false;

/** Show the rows whose task and memory contain all words, at first not more than LIMIT. */
function showRows() {
  const words = filter.value.toLowerCase().split(/\s+/);
  let found = 0;
  for (const row of scores.tBodies[0].rows) {
    const fits = words.every((word) => names.get(row).includes(word));
    if (fits) found += 1;
    if (row.hidden === fits) row.hidden = !fits;
    row.classList.toggle("later", !whole && found > LIMIT);
  }
  more.hidden = whole || found <= LIMIT;
  more.textContent = `Show all ${found} rows`;
  return found;
}

more.type = "button";
more.className = "more";
more.addEventListener("click", () => {
  whole = true;
  showRows();
});
if (scores) {
  for (const row of scores.tBodies[0].rows) {
    names.set(row, `${row.cells[0].textContent} ${row.cells[1].textContent}`.toLowerCase());
  }
  scores.parentElement.after(more);
  scores.addEventListener("sorted", showRows);
  filter.addEventListener("input", () => say(`${showRows()} rows`));
  showRows();
}
