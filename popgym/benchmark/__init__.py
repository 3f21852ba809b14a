"""Comparing memories: grids of tasks, memories and seeds, and what their results say.

``suite.py`` says what a benchmark consists of, ``store.py`` keeps it in a folder of ordinary run
folders, ``runner.py`` trains the trials on Ray, ``reading.py`` makes tables of the results,
``statistics.py`` computes what is compared, and ``report`` shows it. Only the runner knows Ray.
"""

from popgym.benchmark.reading import read

__all__ = ["read"]
