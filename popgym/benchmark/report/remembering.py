"""The table of what ``popgym inspect`` found of the trials."""

from __future__ import annotations

import pandas as pd

from popgym.pages.markup import Cell, Column, Html, breakable, join, table, tag
from popgym.pages.words import number

_N = "number"


def remembering(trials: pd.DataFrame) -> Html | None:
    """Return the mean horizon and worth of memory by memory and task.

    Args:
        trials: The trials. None is returned if none of them was inspected.
    """
    inspected = trials[trials["horizon"].notna() | trials["worth_of_memory"].notna()]
    if not len(inspected):
        return None
    groups = inspected.groupby(["memory", "task"], sort=True)
    columns = [
        Column("Memory"), Column("Task"), Column("Inspected trials", _N),
        Column("Horizon", _N, "lag within which 90 % of the effect on the actions lies, in steps"),
        Column("Worth of memory", _N, "what memory earns in return, as a fraction"),
    ]  # fmt: skip
    rows = [
        [Cell(breakable(str(memory))), Cell(breakable(str(task))), Cell(len(group), kind=_N),
         _mean(group["horizon"], 1), _mean(group["worth_of_memory"], 2)]
        for (memory, task), group in groups
    ]  # fmt: skip
    text = "Means over the trials on which `popgym inspect` was run; docs/inspect.md explains them."
    return join(
        [tag("p", text), table("Horizon and worth of memory", columns, rows, name="remembering")]
    )


def _mean(values: pd.Series, digits: int) -> Cell:
    mean = float(values.mean())  # without those that are not known
    return Cell(number(mean, digits), key=mean, kind=_N)
