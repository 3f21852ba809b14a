"""What the benchmark of memories measures still runs."""

import pytest


@pytest.mark.parametrize("name", ["gru", "mlp", "s4d"])
def test_every_kind_of_step_runs_and_is_in_its_row(load_script, monkeypatch, name):
    memories = load_script("benchmarks/memories.py")
    monkeypatch.setattr(memories, "LENGTHS", (4,))
    monkeypatch.setattr(memories, "peak_memory", lambda *_: 2**20)
    (row,) = memories.measure(name, rounds=1, peer=None, compiled=False)
    assert row["memory"] == name
    assert row["T"] == "4"
    assert {"training", "acting", "resets", "bf16", "of peak", "÷ peer"} <= row.keys()
    assert row["MiB"] == "1"
