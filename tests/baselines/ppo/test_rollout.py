import math

import numpy as np
import pytest

from popgym.baselines.ppo.rollout import Rollout


def make_rollout(rows=5, steps=3, first=0):
    numbers = first + np.arange(rows * steps, dtype=np.float32).reshape(rows, steps)
    flags = np.zeros((rows, steps), bool)
    return Rollout(
        inputs=numbers[..., None], start=flags, state={"memory.h": numbers[:, :1]}, actions=numbers,
        action_inputs=numbers[..., None], values=numbers, rewards=numbers, discounted=numbers,
        terminated=flags, truncated=flags, final_values=numbers, last_value=numbers[:, 0],
        repeated=np.zeros(rows, bool),
    )  # fmt: skip


def test_a_rollout_counts_its_steps_as_rllib_asks():
    rollout = make_rollout(5, 3)
    assert rollout.env_steps() == rollout.agent_steps() == len(rollout) == 15


def test_joined_rollouts_keep_every_row_and_its_state():
    joined = Rollout.join([make_rollout(2, 3), make_rollout(4, 3, first=100)])
    assert joined.rewards.shape == (6, 3)
    assert joined.state["memory.h"][:, 0].tolist() == [0, 3, 100, 103, 106, 109]
    assert joined.last_value.tolist() == [0, 3, 100, 103, 106, 109]


@pytest.mark.parametrize(("rows", "count"), [(6, 3), (5, 2), (10, 3), (3, 3), (7, 4), (5, 1)])
def test_shards_have_equally_many_rows_and_together_all_of_them(rows, count):
    rollout = make_rollout(rows, 3)
    shards = rollout.shards(count)
    assert len(shards) == count
    assert {shard.rewards.shape for shard in shards} == {(math.ceil(rows / count), 3)}
    first = np.concatenate([shard.last_value for shard in shards])
    assert set(first.tolist()) == set(rollout.last_value.tolist())
    for shard in shards:
        np.testing.assert_array_equal(shard.state["memory.h"][:, 0], shard.last_value)
    once = np.concatenate([shard.last_value[~shard.repeated] for shard in shards])
    assert sorted(once.tolist()) == rollout.last_value.tolist()


def test_fewer_rows_than_learners_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"2 environments cannot feed 3 learners.*num_envs"):
        make_rollout(2, 3).shards(3)
