// Tables: sorting by their headings.
"use strict";

const COLLATOR = new Intl.Collator("en", { numeric: true }); // much faster than localeCompare

/** The value by which a cell is sorted: a number, a text, or null where nothing is known. */
function keyOf(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.key ?? cell.textContent.trim();
  if (text === "") return null;
  const value = Number(text);
  return Number.isNaN(value) ? text.toLowerCase() : value;
}

function compareKeys(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return COLLATOR.compare(String(a), String(b));
}

/** Sort rows by a column. Unknown values stay last in both directions. */
function sortTable(table, column, direction) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, key: keyOf(row, column) }));
  const sign = direction === "ascending" ? 1 : -1;
  rows.sort((a, b) => {
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
    return sign * compareKeys(a.key, b.key);
  });
  body.remove(); // the browser moves rows faster outside the page
  body.append(...rows.map((each) => each.row));
  table.append(body);
  table.dispatchEvent(new Event("sorted"));
}

function onHeading(table, heading) {
  const before = heading.getAttribute("aria-sort");
  // Numbers are mostly read from the highest down, names from A on.
  const first = heading.classList.contains("number") ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const direction = before === first ? other : first;
  for (const each of heading.parentElement.cells) each.setAttribute("aria-sort", "none");
  heading.setAttribute("aria-sort", direction);
  sortTable(table, heading.cellIndex, direction);
  say(`Sorted by ${heading.textContent}, ${direction}`);
}

/** Announce a change to users of screen readers. */
function say(text) {
  document.getElementById("said").textContent = text;
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const heading of table.tHead.rows[0].cells) {
    // A button is pressed with Enter and the space bar too.
    heading.querySelector("button").addEventListener("click", () => onHeading(table, heading));
  }
}
