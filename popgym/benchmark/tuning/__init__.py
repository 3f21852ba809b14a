"""Tuning: the search for the settings with which a memory learns a task best.

``spaces.py`` is the table of what is searched for each memory, ``dimension.py`` draws from it,
``request.py`` says what a search consists of, ``store.py`` keeps it in a folder of ordinary run
folders, ``best.py`` ranks the trials, and ``search.py`` trains them on Ray Tune. Only
``search.py``, ``asha.py`` and ``trainable.py`` know Ray.
"""
