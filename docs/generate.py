"""Writes the pages of the documentation that are computed from the package.

    python docs/generate.py [--check]

With --check nothing is written, and the exit status is 1 if a page is out of date.
"""

import argparse
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import popgym.envs
from popgym.core.family import Family
from popgym.envs.registry import FAMILIES, LEVELS, TOPICS

DOCS = Path(__file__).parent
ENVIRONMENTS = """\
# Environments

<!-- Written by docs/generate.py from the families themselves. -->

Sixteen families, each Easy, Medium and Hard. `gymnasium.make("popgym-RepeatPreviousEasy-v0")`
makes one, `gymnasium.make_vec(id, num_envs)` many; the classes, `popgym.envs.RepeatPreviousEasy`,
take the arguments below in place of their level's. `-v0` has the published rules, quirks included;
where a quirk is a defect that changes what an agent can learn there is a `-v1`, and its family says
why.

`reset(options={"hidden": {...}})` starts an episode from a given draw, with the keys named below,
in a vector environment each with a leading axis. `env.unwrapped.get_state()` is the hidden Markov
state, `popgym.wrappers.Markovian` shows it.

Scores are mean returns ± standard error. How each player plays is in
`popgym.envs.reference_scores(env)`; `python benchmarks/scores.py` plays them anew.
"""


def environments() -> Iterator[str]:
    """The lines of the page on environments."""
    yield ENVIRONMENTS
    yield "| | observation | action | steps at most | return |"
    yield "|---|---|---|---|---|"
    for row in popgym.envs.table():
        keys = ("name", "observation", "action", "length", "return")
        yield "| " + " | ".join(str(row[key]) for key in keys) + " |"
    for topic in TOPICS:
        yield f"\n## {topic.capitalize()}"
        for family in FAMILIES:
            if family.group == topic:
                yield from about(family)


def about(family: type[Family]) -> Iterator[str]:
    """The section of one family."""
    base = family.__name__.removesuffix("Family")
    spoken, arguments = sections(family)
    yield f"\n### {base}\n"
    yield spoken
    yield "\n| argument | " + " | ".join(("without suffix", *LEVELS)) + " | |"
    yield "|" + "---|" * (len(LEVELS) + 3)
    for name, parameter in inspect.signature(family).parameters.items():
        of_level = [family.presets.get(level, {}).get(name, parameter.default) for level in LEVELS]
        values = " | ".join(f"{value!r}" for value in (parameter.default, *of_level))
        yield f"| `{name}` | {values} | {arguments[name]} |"
    for version, preset in family.versions.items():
        given = ", ".join(f"`{name}={value!r}`" for name, value in preset.items())
        yield f"\n`-{version}` stands for {given}."
    task = family(**family.presets["Easy"])
    yield "\nHidden draw of Easy:"
    for key, field in task.hidden.items():
        yield f"- `{key}` {list(field.shape)}: {field.describe()}"
    yield from scores(base)


def sections(family: type[Family]) -> tuple[str, dict[str, str]]:
    """A family's docstring without its arguments, and what it says about each of them."""
    spoken, arguments, name = [], {}, ""
    listing = False
    for line in inspect.cleandoc(family.__doc__ or "").splitlines():
        if line == "Args:":
            listing = True
        elif not line.startswith(" "):
            listing = listing and not line
            spoken.append(line)
        elif line.startswith("        "):
            arguments[name] += " " + line.strip()
        else:
            name, _, meaning = line.strip().partition(": ")
            arguments[name] = meaning
    return "\n".join(spoken).strip().replace("\n\n\n", "\n\n"), arguments


def scores(base: str) -> Iterator[str]:
    """The table of a family's reference players."""
    known = {level: popgym.envs.reference_scores(base + level) or {} for level in LEVELS}
    yield "\n| player | " + " | ".join(LEVELS) + " |"
    yield "|" + "---|" * (len(LEVELS) + 1)
    for player in dict.fromkeys(player for level in LEVELS for player in known[level]):
        cells = (known[level].get(player) for level in LEVELS)
        shown = (f"{s.mean:.3f} ± {s.standard_error:.3f}" if s else "–" for s in cells)
        yield f"| {player} | " + " | ".join(shown) + " |"


PAGES = {"environments.md": environments}
"""File → the function that yields its lines."""


def main() -> int:
    """Writes the pages, or checks them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    stale = []
    for name, lines in PAGES.items():
        page, text = DOCS / name, "\n".join(lines()) + "\n"
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not arguments.check:
                page.write_text(text, encoding="utf-8")
                print(f"wrote {page}")
    if stale and arguments.check:
        print(f"out of date: {', '.join(stale)}; run python docs/generate.py", file=sys.stderr)
    return int(bool(stale and arguments.check))


if __name__ == "__main__":
    sys.exit(main())
