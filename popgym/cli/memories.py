"""``popgym memories``: a table of all memories, or the description of one memory."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Container, Iterator
from typing import Any

from popgym.cli.grammar import command
from popgym.cli.messages import print_wrapped, say_before_import
from popgym.cli.tables import print_table

_LEGEND = """
receptive field: number of inputs that an output depends on, including the current one
state: numbers kept for each environment
Mflop: the matrix products of one environment step, without elementwise operations
all values are for {input_size} input features, {hidden_size} output features and default options
popgym memories NAME describes one memory in detail
"""


def add(commands: Any) -> None:
    """Add the subcommand to the parser."""
    memories = command(
        commands, "memories", "list the memory models, or describe one of them", _memories
    )
    memories.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="the memory to describe: a name of the list, or module:Class",
    )


def _memories(arguments: argparse.Namespace) -> int:
    from popgym.runs.memory_table import known_memories, refuse_typos

    if arguments.name:
        refuse_typos(arguments.name, {}, {})
        say_before_import("torch", "loading PyTorch")
        print_wrapped("\n".join(_in_full(arguments.name)))
        return 0
    known = known_memories()
    print_table(known["rows"])
    print_wrapped(_LEGEND.format_map(known))
    print_wrapped(_options_of_all())
    return 0


def _options_of_all(but: Container[str] = ()) -> str:
    from popgym.runs.memory_table import known_memories

    of_layers = known_memories()["layer_options"]
    options = (f"{name}={value}" for name, value in of_layers.items() if name not in but)
    return f"every memory also takes {' '.join(options)}"


def _in_full(name: str) -> Iterator[str]:
    """Yield the lines that describe one memory."""
    from popgym.memory.describe import file_docstring, summary
    from popgym.memory.registry import find_memory
    from popgym.render.text import columns_of, refilled

    memory = find_memory(name)
    yield f"{name}: {memory.__module__}.{memory.__qualname__}"
    for text in (file_docstring(memory), summary(memory)):
        if text:
            yield f"\n{refilled(text, columns_of(sys.stdout))}"
    yield from _options(memory)
    yield from _numbers(name)
    if memory.source:
        yield f"\nsource: {memory.source}"


def _options(memory: Any) -> Iterator[str]:
    from popgym.memory.describe import option_meanings, shown
    from popgym.memory.registry import own_options
    from popgym.render.text import wrapped

    own, meanings = own_options(memory), option_meanings(memory)
    if own is None:
        yield "\nit accepts options of any name"
        return
    yield "\noptions:" if own else "\nno options of its own;"
    for name, default in own.items():
        yield f"  {name}={shown(default)}"
        if name in meanings:
            yield wrapped(" " * 6 + meanings[name], 100)
    yield _options_of_all(but=own)


def _numbers(name: str) -> Iterator[str]:
    from popgym.memory.overview import overview
    from popgym.memory.registry import make_memory
    from popgym.runs.memory_table import known_memories

    known = known_memories()
    F, D = known["input_size"], known["hidden_size"]
    seen = overview(make_memory(name, F, D))
    fields = ", ".join(f"{field} {shape}" for field, shape in seen.state.items())
    yield f"\nwith {F} input features, {D} output features and default options:"
    yield f"  receptive field  {seen.receptive_field_shown}"
    yield f"  state            {seen.state_numel:,} numbers" + (f": {fields}" if fields else "")
    yield f"  parameters       {seen.parameters:,}"
    yield f"  Mflop            {seen.megaflops}, for the matrix products of one environment step"
