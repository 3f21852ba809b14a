"""The report of a benchmark: an HTML page, figures for a paper, and tables for a text.

``grid.py`` sorts the scores by memory and task, ``standings.py`` ranks the memories, ``curves.py``
averages learning curves over seeds. ``page.py`` writes the page from the parts that ``chapters.py``
lists; ``figures.py`` and ``tables.py`` write what goes into papers.
"""

from popgym.benchmark.report.figures import write_figures
from popgym.benchmark.report.page import write_page
from popgym.benchmark.report.tables import latex_table, markdown_table

__all__ = ["latex_table", "markdown_table", "write_figures", "write_page"]
