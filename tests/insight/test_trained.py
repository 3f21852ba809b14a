"""What is found of agents that were trained on tasks whose need of memory is known."""

import numpy as np
import pytest

import popgym
from popgym.insight import inspect

PARTS = ("effect", "worth")


def trained(tmp_path_factory, env, memory, stop_at, steps=400_000):
    folder = tmp_path_factory.mktemp("runs") / f"{env}-{memory}"
    run = popgym.train(
        env, memory, steps=steps, stop_at=stop_at, threads=1, progress=False, out=folder
    )
    assert run.final_return > stop_at - 0.1
    return inspect(run.path, parts=PARTS, episodes=8, worth_episodes=32)


@pytest.mark.slow
@pytest.mark.parametrize("memory", ["frameconv", "gru", "lru"])
def test_repeat_previous_needs_the_observation_three_steps_ago(tmp_path_factory, memory):
    found = trained(tmp_path_factory, "RepeatPreviousEasy", memory, 0.95)
    # Training ends before the agent is perfect, so other steps still have some effect.
    effect = found.effect.curves["variation"].value
    assert effect[3] > 0.8
    assert np.delete(effect, 3).max() < 0.3
    assert 3 <= found.effect.horizon.steps < 20
    if memory == "frameconv":
        assert effect[4:].max() == 0
    assert found.worth.fraction > 0.8


@pytest.mark.slow
def test_repeat_first_needs_the_first_observation_whatever_the_step(tmp_path_factory):
    found = trained(tmp_path_factory, "RepeatFirstEasy", "gru", 0.95)
    effects = found.effect.heat_map  # [t, s]
    later = np.arange(1, len(effects))
    assert np.nanmean(effects[later, 0]) > 0.7
    assert np.nanmean(effects[later[1:], 1]) < 0.3
    assert found.effect.horizon.steps > 30  # of 50: the lag of the first step is uniform


@pytest.mark.slow
def test_a_cart_whose_velocity_is_hidden_needs_few_steps(tmp_path_factory):
    found = trained(tmp_path_factory, "PositionOnlyCartPoleEasy", "gru", 0.9)
    effect = found.effect.curves["variation"].value
    assert effect[1:4].max() > 5 * effect[30:].max()
    assert 1 <= found.effect.horizon.steps < 40
    assert found.worth.fraction > 0.5
