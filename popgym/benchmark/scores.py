"""The scores by which memories are compared."""

SCORES = ("final_mean", "sampled_mean", "last_tenth", "mmer")
"""Columns of ``popgym.benchmark.read``. The first one is the default."""
