"""Runs: settings, the folder of a run, the trained policy, its evaluation and its curve."""
