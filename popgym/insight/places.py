"""The names of what an inspection writes."""

FOLDER = "inspection"
"""The folder in a run folder, unless the user names another."""
NUMBERS, EFFECT, PAGE = "inspect.json", "effect.csv", "inspect.html"
