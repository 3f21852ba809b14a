"""The file progress.csv of a run folder, with one row for each training iteration."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from popgym.runs.files import write_text

_COUNTS = ("iteration", "steps", "episodes")

Row = dict[str, Any]


class ProgressFile:
    """A CSV file of numbers to which rows are appended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._columns: list[str] | None = None
        self._lines: list[str] = []  # of the rows that this process has kept or appended

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; it is on disk when this returns."""
        if self._columns is None:
            self._columns = list(row)
        new = [_line(self._columns, row)]
        if not self.path.exists():
            new = [_header(self._columns), *self._lines, *new]  # also if it was deleted meanwhile
        with self.path.open("a", newline="", encoding="utf-8") as file:
            file.write("".join(new))
            file.flush()
            os.fsync(file.fileno())
        self._lines.append(new[-1])

    def rows(self) -> list[Row]:
        """Return the rows with numbers as numbers, without a last row that a crash cut short."""
        if not self.path.exists():
            return []
        return rows_in(self.path.read_text(encoding="utf-8", errors="replace"))

    def text(self) -> str:
        """Return what the file has to contain: the rows that this process kept and appended."""
        return "" if self._columns is None else _header(self._columns) + "".join(self._lines)

    def keep(self, iterations: int) -> None:
        """Drop the rows of all iterations after this one, and rows that are there twice."""
        rows = {row["iteration"]: row for row in self.rows() if row["iteration"] <= iterations}
        self._write([rows[iteration] for iteration in sorted(rows)])

    def restore(self, iterations: int, saved: str) -> str:
        """Keep the rows up to an iteration as they were saved, whatever the file has.

        Args:
            iterations: The iteration.
            saved: What ``text`` returned after it.

        Returns:
            How the file's rows up to there differed; "" if they did not.
        """
        found = [row for row in self.rows() if row["iteration"] <= iterations]
        wanted = rows_in(saved)
        if not self.path.exists():
            difference = "is missing" if wanted else ""
        else:
            difference = _difference(found, wanted)
        self._write(wanted)
        return difference

    def _write(self, rows: Sequence[Row]) -> None:
        if not rows:
            self.path.unlink(missing_ok=True)
            return
        columns = list(rows[0])
        lines = [_line(columns, row) for row in rows]
        write_text(self.path, _header(columns) + "".join(lines))
        self._columns, self._lines = columns, lines


def rows_in(text: str) -> list[Row]:
    """Return the rows in the text of a progress.csv, without a last row that was cut short."""
    whole = text[: text.rfind("\n") + 1].replace("\0", "?").splitlines()
    return list(_numbers(csv.DictReader(whole)))


def _difference(found: Sequence[Row], wanted: Sequence[Row]) -> str:
    """Say how rows differ from those that were saved; "" if they are the same."""
    if _texts(found) == _texts(wanted):
        return ""
    iterations = [row["iteration"] for row in found]
    if len(set(iterations)) < len(iterations):
        return "has rows twice"
    missing = len({row["iteration"] for row in wanted} - set(iterations))
    return f"lacks {missing} of {len(wanted)} rows" if missing else "has rows that were changed"


def _texts(rows: Iterable[Row]) -> list[list[tuple[str, str]]]:
    """Return rows in a form in which NaN equals NaN."""
    return [[(name, repr(value)) for name, value in row.items()] for row in rows]


def _header(columns: Sequence[str]) -> str:
    return ",".join(columns) + "\n"


def _line(columns: Sequence[str], row: Mapping[str, Any]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, columns, lineterminator="\n").writerow(row)
    return text.getvalue()


def _numbers(rows: csv.DictReader) -> Iterator[Row]:
    """Yield the rows that have a number or nothing in each column; skip other lines."""
    if not {"iteration", "steps"} <= set(rows.fieldnames or ()):
        return
    for row in rows:
        try:
            yield {name: _number(name, text) for name, text in row.items()}
        except (ValueError, TypeError):
            continue


def _number(column: str, text: str) -> float | None:
    if column in _COUNTS:
        return int(text)
    return float(text) if text != "" else None  # a line cut short gives None: a TypeError
