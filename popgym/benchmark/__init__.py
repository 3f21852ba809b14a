"""Comparing memories: grids of tasks, memories and seeds, and what their results say.

``suite.py`` says what a benchmark consists of, ``store.py`` keeps it in a folder of ordinary run
folders, ``runner.py`` trains the trials on Ray, ``reading.py`` makes tables of the results,
``statistics.py`` computes what is compared, and ``report`` shows it. Only the runner knows Ray.
``tuning`` searches for the settings with which a memory learns a task best.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from popgym.benchmark.reading import Results, read, results
    from popgym.benchmark.tuning.search import Search, tune

__all__ = ["Results", "Search", "read", "results", "tune"]


def __getattr__(name: str) -> Any:  # imported at the first use, so that ``popgym --help`` is fast
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = "tuning.search" if name in ("Search", "tune") else "reading"
    return getattr(importlib.import_module(f"{__name__}.{place}"), name)
