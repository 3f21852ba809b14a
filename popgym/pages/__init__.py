"""Self-contained HTML pages with tables and interactive figures, for reports.

``markup.py`` builds escaped HTML, ``frame.py`` puts sections into a page that needs no network,
``figures.py`` describes figures that ``figures.js`` draws with plotly in the colours of the page,
``saving.py`` writes matplotlib's figures, and ``words.py`` writes numbers as readers see them.
"""
