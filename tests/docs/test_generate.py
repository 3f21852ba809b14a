"""Pages computed from the package say what the package says."""

import importlib.util
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def generate():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(module, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["generate.py", *arguments])
    return module.main()


def test_the_computed_pages_are_up_to_date(generate, monkeypatch):
    assert call(generate, monkeypatch, "--check") == 0, "run python docs/generate.py"


def test_a_stale_page_is_noticed_and_written_anew(generate, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    assert call(generate, monkeypatch, "--check") == 1
    assert "environments.md" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert call(generate, monkeypatch) == 0
    assert call(generate, monkeypatch, "--check") == 0


def test_the_page_on_environments_names_each_of_them_with_its_arguments_and_scores(generate):
    page = "\n".join(generate.environments())
    for family in generate.FAMILIES:
        base = family.__name__.removesuffix("Family")
        assert f"### {base}\n" in page
        assert f"| {base}Hard |" in page
    assert "| `k` | 4 | 4 | 32 | 64 |" in page
    assert page.count("| random |") == len(generate.FAMILIES)
    assert "`-v1` stands for `positions_at_reset=False`" in page
