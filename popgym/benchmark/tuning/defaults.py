"""Defaults of a search, which the command line shows and must not load much for."""

TRIALS = 20
"""Number of trials."""
