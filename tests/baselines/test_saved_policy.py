"""The policy read back from disk is the network that played and learned, whatever it is made of."""

import numpy as np
import pytest
import torch

from popgym.baselines.build import algorithm_config
from popgym.baselines.network import policy_spec
from popgym.baselines.ppo.runner import RolloutRunner
from popgym.baselines.saving import policy_with
from popgym.memory import MEMORIES
from popgym.networks.embedding import EMBEDDINGS
from popgym.runs.policy import load_policy
from tests.runs.specimens import OWN, SMALL, TOYS, settings

B, T = 8, 11  # episodes of the toys are truncated after four steps
INPUTS = [(True, True), (True, False), (False, True), (False, False)]


def _runner(chosen):
    """An environment runner as the algorithm has it, its weights far from where they begin."""
    runner = RolloutRunner(config=algorithm_config(chosen))
    torch.manual_seed(1)
    state = runner.module.unwrapped().net.state_dict()  # buffers that are saved, too
    for tensor in state.values():
        if tensor.is_floating_point():
            tensor.add_(0.3 * torch.randn_like(tensor))
    return runner


def _play(runner):
    """A rollout, and the observations that it was made of."""
    seen, encode = [], runner.actor.encode_checked

    def recorded(obs, info):
        seen.append(obs)
        return encode(obs, info)

    runner.actor.encode_checked = recorded
    (rollout,) = runner.sample(num_timesteps=B * T, explore=False, force_reset=True)
    return rollout, seen


def _assert_the_policy_is_the_runners_network(chosen, folder):
    runner = _runner(chosen)
    rollout, observations = _play(runner)
    assert rollout.start.any(0).sum() >= 3
    env = runner.env
    spec = policy_spec(chosen, env.single_observation_space, env.single_action_space)
    policy_with(spec, runner.module.get_state()).save(folder)
    torch.manual_seed(2)  # what a fresh network draws must not matter
    policy, state, outputs = load_policy(folder), None, []
    policy.net.register_forward_hook(lambda net, given, result: outputs.append(result))
    for t in range(T):
        actions, state = policy.act_many(observations[t], state, rollout.start[:, t])
        logits, values, _ = outputs[-1]
        np.testing.assert_allclose(logits[:, 0], rollout.action_inputs[:, t], 1e-5, 1e-6, err_msg=t)
        np.testing.assert_allclose(values[:, 0], rollout.values[:, t], 1e-5, 1e-6, err_msg=t)
        np.testing.assert_array_equal(
            actions, policy._distribution.to_env(rollout.actions[:, t]), err_msg=t
        )
    after = policy.net.flatten_state(state.network)
    for name, tensor in runner.net.flatten_state(runner.actor.state).items():
        torch.testing.assert_close(after[name], tensor, msg=name)
    runner.stop()


@pytest.mark.parametrize("index", range(len(MEMORIES)), ids=list(MEMORIES))
def test_every_memory_is_read_back_as_it_played(tmp_path, index):
    """Kinds of actions, inputs and embeddings take turns: all pairs of the first two come."""
    env = ("Mixed", "MixedMultiDiscrete", "MixedBox")[index % 3]
    previous_action, start_flag = INPUTS[index % 4]
    embedding = [None, *EMBEDDINGS][index % 9]
    chosen = settings(
        f"{TOYS}:{env}", memory=list(MEMORIES)[index], rollout=T,
        previous_action=previous_action, start_flag=start_flag,
        network={**SMALL["network"], "embedding": embedding},
    )  # fmt: skip
    _assert_the_policy_is_the_runners_network(chosen, tmp_path)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_every_embedding_is_read_back_as_it_played(tmp_path, embedding):
    """With a unit that ends within an episode; above it is the one that stands for none."""
    network = {**SMALL["network"], "embedding": embedding, "embedding_max_steps": 2}
    chosen = settings(f"{TOYS}:Mixed", rollout=T, network=network)
    _assert_the_policy_is_the_runners_network(chosen, tmp_path)


@pytest.mark.parametrize("mode", [{"embedding_mode": "cat", "embedding_size": 6},
                                  {"embedding_size": 3, "scale_embedding": False}])  # fmt: skip
def test_ways_to_join_the_embedding_are_read_back(tmp_path, mode):
    network = {**SMALL["network"], "embedding": "sine", **mode}
    chosen = settings(f"{TOYS}:Mixed", rollout=T, network=network)
    _assert_the_policy_is_the_runners_network(chosen, tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"actor": 0.5, "embedding": 2.0, "fcnet_activation": "tanh", "max_seq_len": 7},
        {"rollout": 3.0, "memory": 0.25},
    ],
    ids=str,
)
def test_options_of_a_memory_may_be_called_as_other_parts_are(tmp_path, options):
    chosen = settings(f"{TOYS}:Mixed", memory=f"{OWN}:Scaled", memory_options=options, rollout=T)
    runner = RolloutRunner(config=algorithm_config(chosen))
    assert runner.net.core.options == options
    runner.stop()
    _assert_the_policy_is_the_runners_network(chosen, tmp_path)


@pytest.mark.parametrize("memory", ["Tied", "Transposed"])
def test_weights_that_share_memory_or_lie_across_it_are_read_back(tmp_path, memory):
    chosen = settings(f"{TOYS}:Mixed", memory=f"{OWN}:{memory}", rollout=T)
    _assert_the_policy_is_the_runners_network(chosen, tmp_path)
