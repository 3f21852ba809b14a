"""Writes the files that are computed from the package: pages, and the table of memories.

    python docs/generate.py [--check]

With --check nothing is written, and the exit status is 1 if a file is out of date.
"""

import argparse
import dataclasses
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import popgym.envs
import popgym.memory.overview
from popgym.core.family import Family
from popgym.envs.registry import FAMILIES, LEVELS, TOPICS
from popgym.memory import MEMORIES, Memory
from popgym.memory.base import Source
from popgym.memory.describe import exposition, option_meanings, parse_docstring, shown, summary
from popgym.memory.overview import overview
from popgym.memory.registry import own_options
from popgym.memory.stack import LAYER_OPTIONS, Layers
from popgym.networks import NetworkOptions

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = """\
# Environments

<!-- Written by docs/generate.py from the families themselves. -->

Sixteen families, each Easy, Medium and Hard. `gymnasium.make("popgym-RepeatPreviousEasy-v0")`
makes one, `gymnasium.make_vec(id, num_envs)` many; the classes, `popgym.envs.RepeatPreviousEasy`,
take the arguments below in place of their level's and show them as attributes, `env.unwrapped.k`.
All of them also take `max_episode_steps`, which truncates longer episodes. `-v0` has the published
rules, quirks included; where a quirk is a defect that changes what an agent can learn there is a
`-v1`, and its family says why.

`reset(options={"hidden": {...}})` starts an episode from a given draw, with the keys named below,
in a vector environment each with a leading axis. `env.unwrapped.get_state()` is the hidden Markov
state, `popgym.wrappers.Markovian` shows it.

Scores are mean returns ± the standard error of that mean. How each player plays is in
`popgym.envs.reference_scores(env)`; `python benchmarks/scores.py` plays them anew.
"""

OF_MEMORIES = """\
# Memories

<!-- Written by docs/generate.py from the memories themselves. -->

`popgym.memory.make_memory("gru", input_size=128, hidden_size=256)` makes one, and
`popgym train ENV --memory gru --set memory.num_layers=2` trains with it. All obey one contract,
`y, state = memory(x, state, start)`, and one suite of laws; `popgym memories NAME` tells what is
written here and more of a memory, also of one's own: see
[how to write one](write_a_memory.md).

The table is of 128 features in and 256 out, with default options. *receptive field*: how many
inputs an output depends on, its own included. *state*: the numbers that are kept for each
environment. *Mflop*: million floating-point operations of the matrix products in an environment's
step, when 64 act at once; what is done number by number (activations, gates, norms, diagonal
recurrences) is not counted, so it is no measure of time. In the formulas x are the inputs, F
features of each step, y the outputs, D = `hidden_size` features, and t is the step.
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
    text, arguments = parse_docstring(family.__doc__)
    yield f"\n### {base}\n"
    yield text
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


def scores(base: str) -> Iterator[str]:
    """The table of a family's reference players."""
    known = {level: popgym.envs.reference_scores(base + level) or {} for level in LEVELS}
    yield "\n| player, mean return ± its standard error | " + " | ".join(LEVELS) + " |"
    yield "|" + "---|" * (len(LEVELS) + 1)
    for player in dict.fromkeys(player for level in LEVELS for player in known[level]):
        cells = (known[level].get(player) for level in LEVELS)
        shown = (f"{s.mean:.3f} ± {s.standard_error:.3f}" if s else "–" for s in cells)
        yield f"| {player} | " + " | ".join(shown) + " |"


def memories() -> Iterator[str]:
    """The lines of the page on memories."""
    yield OF_MEMORIES
    rows = popgym.memory.overview.table()
    yield "| " + " | ".join(key if key != "name" else "" for key in rows[0]) + " |"
    yield "|" + "---|" * len(rows[0])
    for row in rows:
        name, *cells = row.values()
        yield "| " + " | ".join([f"[{name}](#{name})", *cells]) + " |"
    for name, memory in MEMORIES.items():
        yield from about_memory(name, memory)
    yield "\n## Several layers of any memory\n"
    yield "Every memory takes these options too, by name; a `num_layers` of its own comes first.\n"
    yield from paragraphs(exposition(Layers))
    yield from options(Layers, LAYER_OPTIONS)


def about_memory(name: str, memory: type[Memory]) -> Iterator[str]:
    """The section of one memory; of another's subclass only what is its own."""
    yield f"\n## {name}\n\n`popgym.memory.{memory.__name__}`\n"
    if not set(memory.__mro__[1:]) & set(MEMORIES.values()):
        yield from paragraphs(exposition(memory))
    yield from paragraphs(summary(memory))
    yield from options(memory, own_options(memory) or {})
    fields = overview(memory(128, 256)).state.items()
    kept = ", ".join(f"`{field}` {shape}" for field, shape in fields)
    yield f"State of 128 features in, 256 out: {kept or 'none'}.\n"
    if isinstance(source := memory.source, Source):
        yield f"Source: {source.authors}, [{source.title}]({source.url}), {source.year}."


def paragraphs(text: str) -> Iterator[str]:
    """Paragraphs of a docstring, the indented ones as they stand there."""
    for paragraph in text.split("\n\n"):
        formula = paragraph.startswith(" ")
        yield f"```text\n{textwrap.dedent(paragraph)}\n```\n" if formula else f"{paragraph}\n"


def options(memory: type[Memory], defaults: dict[str, object]) -> Iterator[str]:
    """The table of a memory's options; nothing if it has none."""
    if defaults:
        yield "| option | default | |\n|---|---|---|"
        meanings = option_meanings(memory)
        for name, default in defaults.items():
            meaning = meanings[name].replace("|", "\\|")  # which would end the cell
            yield f"| `{name}` | `{shown(default)}` | {meaning} |"
        yield ""


def table_of_memories() -> Iterator[str]:
    """The lines of what `popgym memories` lists without torch."""
    known = popgym.memory.overview.known()
    known["network"] = [field.name for field in dataclasses.fields(NetworkOptions)]
    yield json.dumps(known, indent=1, ensure_ascii=False)


FILES = {
    "docs/environments.md": environments,
    "docs/memories.md": memories,
    "popgym/memory/memories.json": table_of_memories,
}
"""File → the function that yields its lines."""


def main() -> int:
    """Writes the files, or checks them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    stale = []
    for name, lines in FILES.items():
        file, text = ROOT / name, "\n".join(lines()) + "\n"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not arguments.check:
                file.write_text(text, encoding="utf-8")
                print(f"wrote {file}")
    if stale and arguments.check:
        print(f"out of date: {', '.join(stale)}; run python docs/generate.py", file=sys.stderr)
    return int(bool(stale and arguments.check))


if __name__ == "__main__":
    sys.exit(main())
