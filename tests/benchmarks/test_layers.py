"""What the benchmark of layers compares still runs."""

import sys


def test_every_contestant_runs_and_is_reported(load_script, monkeypatch, capsys):
    layers = load_script("benchmarks/layers.py")
    monkeypatch.setattr(layers, "B", 3)
    monkeypatch.setattr(layers, "T", 8)
    arguments = ["layers.py", "--rounds", "3", "--seconds", "0", "--threads", "1"]
    monkeypatch.setattr(sys, "argv", arguments)
    layers.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3 rows × 8 steps")
    assert any(line.split()[:4] == ["gru", "nn.GRU", "cut,", "resets"] for line in lines)
