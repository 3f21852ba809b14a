"""The file progress.csv of a run folder, with one row for each training iteration."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
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

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; it is on disk when this returns."""
        if self._columns is None:
            self._columns = list(row)
            if not self.path.exists():
                self.path.write_text(",".join(self._columns) + "\n", encoding="utf-8")
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self._columns, lineterminator="\n").writerow(row)
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> list[Row]:
        """Return the rows with numbers as numbers, without a last row that a crash cut short."""
        if not self.path.exists():
            return []
        text = self.path.read_text(encoding="utf-8", errors="replace")
        whole = text[: text.rfind("\n") + 1].replace("\0", "?").splitlines()
        return list(_numbers(csv.DictReader(whole)))

    def keep(self, iterations: int) -> None:
        """Drop the rows of all iterations after this one."""
        rows = [row for row in self.rows() if row["iteration"] <= iterations]
        if rows:
            columns = list(rows[0])
            lines = [",".join(_text(row[c]) for c in columns) for row in rows]
            write_text(self.path, "\n".join([",".join(columns), *lines]) + "\n")
            self._columns = columns
        else:
            self.path.unlink(missing_ok=True)


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


def _text(value: Any) -> str:
    return "" if value is None else repr(value)
