"""Write the files that are computed from the package: two pages and the table of memories.

    python docs/generate.py [--check]

With --check it writes nothing, and the exit status is 1 if a file is out of date.
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

<!-- Written by docs/generate.py from the code of the families. -->

There are sixteen families, each with the levels Easy, Medium and Hard.
`gymnasium.make("popgym-RepeatPreviousEasy-v0")` makes one environment and
`gymnasium.make_vec(id, num_envs)` makes a vector environment. The classes, such as
`popgym.envs.RepeatPreviousEasy`, take the arguments below, which replace the level's values. The
arguments are also attributes, such as `env.unwrapped.k`. All environments also take
`max_episode_steps`, which truncates longer episodes. `gymnasium.spec(id).max_episode_steps` is
None: the rules end every episode, after `env.unwrapped.max_episode_length` steps at most, and
Gymnasium's wrapper `TimeLimit` would only count the same steps again. `-v0` has the published
rules, including their quirks. If a quirk is a defect that changes what an agent can learn, there is
also a `-v1`, and the text of the family explains it.

`reset(options={"hidden": {...}})` starts an episode from a given hidden state, with the keys listed
for each family. In a vector environment each value has a leading axis.
`env.unwrapped.get_state()` returns the hidden Markov state, and the wrapper
`popgym.wrappers.Markovian` adds it to the observation or replaces the observation with it.

Scores are mean returns ± the standard error of the mean. `popgym.envs.reference_scores(env)` says
how each player plays, and `python benchmarks/scores.py` measures the scores again.
"""

OF_MEMORIES = """\
# Memories

<!-- Written by docs/generate.py from the code of the memories. -->

`popgym.memory.make_memory("gru", input_size=128, hidden_size=256)` makes a memory, and
`popgym train ENV --memory gru --set memory.num_layers=2` trains with it. All memories have the same
interface, `y, state = memory(x, state, start)`, and pass the same tests. `popgym memories NAME`
describes one memory in detail, also your own: see [how to write a memory](write_a_memory.md).

The table is for 128 input features, 256 output features and default options. Its columns:

- *receptive field*: how many inputs an output depends on, including the input of the same step.
- *state*: how many numbers the state of one environment has.
- *Mflop*: million floating-point operations in the matrix products of one step of one environment,
  when 64 environments act together. Elementwise operations (activations, gates, norms, diagonal
  recurrences) are not counted, so it is not a measure of time.

In the formulas, x are the inputs with F features, y the outputs with D = `hidden_size` features,
and t is the time step.
"""


def environments() -> Iterator[str]:
    """Yield the lines of the page on environments."""
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
    """Yield the section of one family."""
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
    yield "\nHidden state that can be given to `reset`, for Easy:"
    for key, field in task.hidden.items():
        yield f"- `{key}` {list(field.shape)}: {field.describe()}"
    yield from scores(base)


def scores(base: str) -> Iterator[str]:
    """Yield the table of a family's reference players."""
    known = {level: popgym.envs.reference_scores(base + level) or {} for level in LEVELS}
    yield "\n| player, mean return ± its standard error | " + " | ".join(LEVELS) + " |"
    yield "|" + "---|" * (len(LEVELS) + 1)
    for player in dict.fromkeys(player for level in LEVELS for player in known[level]):
        cells = (known[level].get(player) for level in LEVELS)
        shown = (f"{s.mean:.3f} ± {s.standard_error:.3f}" if s else "–" for s in cells)
        yield f"| {player} | " + " | ".join(shown) + " |"


def memories() -> Iterator[str]:
    """Yield the lines of the page on memories."""
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
    yield (
        "Every memory also takes these options. A memory with its own `num_layers` builds its "
        "layers itself, except as residual blocks.\n"
    )
    yield from paragraphs(exposition(Layers))
    yield from options(Layers, LAYER_OPTIONS)


def about_memory(name: str, memory: type[Memory]) -> Iterator[str]:
    """Yield the section of one memory; for a subclass of another memory only what differs."""
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
    """Yield the paragraphs of a docstring, with indented ones as code blocks."""
    for paragraph in text.split("\n\n"):
        formula = paragraph.startswith(" ")
        yield f"```text\n{textwrap.dedent(paragraph)}\n```\n" if formula else f"{paragraph}\n"


def options(memory: type[Memory], defaults: dict[str, object]) -> Iterator[str]:
    """Yield the table of a memory's options; nothing if it has no options."""
    if defaults:
        yield "| option | default | |\n|---|---|---|"
        meanings = option_meanings(memory)
        for name, default in defaults.items():
            meaning = meanings[name].replace("|", "\\|")  # a | would end the cell
            yield f"| `{name}` | `{shown(default)}` | {meaning} |"
        yield ""


def table_of_memories() -> Iterator[str]:
    """Yield the lines of the table that ``popgym memories`` prints without importing torch."""
    known = popgym.memory.overview.known()
    known["network"] = [field.name for field in dataclasses.fields(NetworkOptions)]
    yield json.dumps(known, indent=1, ensure_ascii=False)


FILES = {
    "docs/environments.md": environments,
    "docs/memories.md": memories,
    "popgym/memory/memories.json": table_of_memories,
}
"""The function that yields the lines of each file."""


def main() -> int:
    """Write the files, or check them."""
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
