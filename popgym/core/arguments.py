"""What the user may have meant."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The known names most like `name`, whatever their case, best first."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.lower(), by_lower, n=limit, cutoff=0.5)
    return [by_lower[match] for match in matches]


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """A sentence that refuses `name` and says what is allowed: the nearest, else all."""
    known = list(known)
    matches = nearest(name, known)
    if matches:
        return f"unknown {what} {name!r}; did you mean {' or '.join(map(repr, matches))}?"
    return f"unknown {what} {name!r}; allowed: {', '.join(known) or 'none'}"
