"""Every memory learns to recall what it can see; without a memory nothing is recalled."""

import pytest

from popgym.baselines.train import train
from popgym.memory import MEMORIES
from popgym.memory.ops.attention_block import AttentionMemory

pytestmark = pytest.mark.slow

FIRST = "tests.baselines.short_tasks:ShortRepeatFirst"
"""Name the first of twelve cards: at last it is ten steps ago."""
PREVIOUS = "RepeatPreviousEasy"
"""Name the card of three steps ago."""

SETTINGS = {
    "steps": 40_000,
    "num_envs": 128,
    "rollout": 11,
    "minibatch_size": 704,
    "epochs": 6,
    "lr": 3e-3,
    # at this rate some seed would settle on a wrong answer before it finds the right one
    "entropy_coefficient": 0.01,
    # an answer changes nothing that comes later
    "gamma": 0.0,
    "gae_lambda": 0.0,
    # repeating one's own last answer would do for a memory
    "previous_action": False,
    "threads": 1,
    "stop_at": 0.9,  # above what the tests ask for
}
SMALL = {
    "preprocessor_input_size": 32,
    "preprocessor": [32],
    "hidden_size": 32,
    "actor": [32],
    "critic": [32],
}

FIELD = {name: memory(32, 32).receptive_field for name, memory in MEMORIES.items()}
WINDOWED = [name for name, size in FIELD.items() if size in range(4, 11)]
UNWINDOWED = [name for name, size in FIELD.items() if size is None or size > 10]


def best_return(folder, env, memory):
    """The mean return of the best iteration: 1 if all answers are right, −1 if none is."""
    network = dict(SMALL)
    if issubclass(MEMORIES[memory], AttentionMemory):
        network["hidden_size"] = 256  # its keys have the square root of that, or less
    run = train(env, memory, out=folder / "run", progress=False, network=network, **SETTINGS)
    return max(row["return_mean"] for row in run.rows if row["return_mean"] is not None)


def test_every_memory_is_of_one_kind_but_the_control():
    assert {*WINDOWED, *UNWINDOWED} == MEMORIES.keys() - {"mlp"}


@pytest.mark.parametrize("memory", UNWINDOWED)
def test_it_recalls_what_it_saw_first(memory, tmp_path):
    assert best_return(tmp_path, FIRST, memory) > 0.8


@pytest.mark.parametrize("memory", WINDOWED)
def test_a_window_recalls_what_it_still_sees(memory, tmp_path):
    assert best_return(tmp_path, PREVIOUS, memory) > 0.8


@pytest.mark.parametrize("memory", WINDOWED)
def test_a_window_does_not_recall_what_it_no_longer_sees(memory, tmp_path):
    with pytest.warns(UserWarning, match="cannot see 10 steps back"):
        assert best_return(tmp_path, FIRST, memory) < 0.4


@pytest.mark.parametrize(("env", "back"), [(FIRST, 10), (PREVIOUS, 3)])
def test_without_a_memory_neither_is_recalled(env, back, tmp_path):
    with pytest.warns(UserWarning, match=f"cannot see {back} steps back"):
        assert best_return(tmp_path, env, "mlp") < -0.1
