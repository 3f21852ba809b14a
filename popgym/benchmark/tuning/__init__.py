"""Tuning: the search for the settings with which a memory learns a task best.

``spaces.py`` is the table of what is searched for each memory, ``dimension.py`` draws from it,
``request.py`` says what a search consists of, ``store.py`` and ``trial.py`` keep it in a folder of
ordinary run folders, ``best.py`` ranks the trials, and ``report`` shows them. ``search.py`` has the
function ``tune``, ``running.py`` runs trials on Ray Tune, ``trainable.py`` is one of them, and
``asha.py`` decides which end early. Only these four know Ray.
"""
