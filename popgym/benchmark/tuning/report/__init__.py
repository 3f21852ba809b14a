"""The report of a search: its page, its table, and the figure of settings and scores.

``axes.py`` lays the trials out on parallel coordinates, ``page.py`` writes the page, on which
``parallel.js`` draws them, and ``drawing.py`` draws them for papers.
"""

from popgym.benchmark.tuning.report.drawing import write_figure
from popgym.benchmark.tuning.report.page import write_page

__all__ = ["write_figure", "write_page"]
