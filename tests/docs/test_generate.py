"""Pages computed from the package say what the package says."""

import functools
import sys
from pathlib import Path

import pytest

import popgym.memory
from popgym.memory import MEMORIES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generate(load_script):
    """The script, which computes each file only once: to measure all memories takes seconds."""
    module = load_script("docs/generate.py")
    module.FILES = {name: functools.cache(lambda f=f: [*f()]) for name, f in module.FILES.items()}
    return module


def call(module, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["generate.py", *arguments])
    return module.main()


def test_the_computed_pages_are_up_to_date(generate, monkeypatch):
    assert call(generate, monkeypatch, "--check") == 0, "run python docs/generate.py"


def test_a_stale_page_is_noticed_and_written_anew(generate, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    for folder in ("docs", "popgym/memory"):
        (tmp_path / folder).mkdir(parents=True)
    assert call(generate, monkeypatch, "--check") == 1
    assert "environments.md" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert call(generate, monkeypatch) == 0
    assert call(generate, monkeypatch, "--check") == 0


def test_the_page_on_environments_names_each_of_them_with_its_arguments_and_scores(generate):
    page = "\n".join(generate.FILES["docs/environments.md"]())
    for family in generate.FAMILIES:
        base = family.__name__.removesuffix("Family")
        assert f"### {base}\n" in page
        assert f"| {base}Hard |" in page
    assert "| `k` | 4 | 4 | 32 | 64 |" in page
    assert page.count("| random |") == len(generate.FAMILIES)
    assert "`-v1` stands for `positions_at_reset=False`" in page


def test_the_page_on_memories_tells_of_each_its_formula_options_state_and_source(generate):
    page = "\n".join(generate.FILES["docs/memories.md"]())
    for name, memory in MEMORIES.items():
        assert f"| [{name}](#{name}) |" in page
        assert f"\n## {name}\n\n`popgym.memory.{memory.__name__}`\n" in page
        assert hasattr(popgym.memory, memory.__name__)
    for line in (
        "| [gru](#gru) | no limit | 256 | 296,448 | 0.590 | Cho et al. 2014 |",
        "hₜ = (1 − z) ⊙ n + z ⊙ hₜ₋₁",
        "| `stack_size` | `4` | Window length, W, including the current input; at least 1. |",
        "State of 128 features in, 256 out: `frames` [3, 128].",
        "State of 128 features in, 256 out: none.",
        "Source: Elman, [Finding Structure in Time]"
        "(https://doi.org/10.1207/s15516709cog1402_1), 1990.",
        "| `residual` | `False` | Whether each layer is a pre-norm residual block. |",
    ):
        assert line in page.splitlines()
    assert page.count("\n```text\n") == page.count("\n```\n") >= len(MEMORIES) - 3


def test_what_would_end_a_cell_is_escaped(generate):
    page = "\n".join(generate.FILES["docs/memories.md"]())
    (row,) = [line for line in page.splitlines() if "`r_min`" in line]
    assert row.startswith(r"| `r_min` | `0.9` | Smallest initial \|λ\|. ")
