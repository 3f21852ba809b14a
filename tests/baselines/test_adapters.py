"""Policies made of networks that RLlib trains."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

import popgym
from popgym.baselines.adapters import policy_of
from popgym.baselines.ray_models import Frameconv
from popgym.baselines.rl_modules import MemoryModule
from tests.baselines.ray_models.test_base_model import Decay

SUITS = spaces.Discrete(4)
ONE_HOT = spaces.Box(0, 1, (4,))
SMALL = {"hidden_size": 16, "preprocessor_input_size": 16, "actor": (8,), "critic": (8,)}


def module(memory="gru", **options):
    spec = RLModuleSpec(
        module_class=MemoryModule, observation_space=ONE_HOT, action_space=SUITS,
        model_config={"memory": memory, **SMALL, **options},
    )  # fmt: skip
    return spec.build()


def model(cls=Frameconv, **options):
    return cls(ONE_HOT, SUITS, 4, {"max_seq_len": 64}, "model", **SMALL, **options)


def played(policy, seen):
    """The outputs of the policy's network, step by step, for observations [T]."""
    outputs, state = [], policy.net.initial_state(1)
    encode = policy.spec.encoder()
    for t, suit in enumerate(seen):
        inputs = encode(np.array([suit]), None, np.array([t == 0]))
        tensors = {name: torch.from_numpy(array)[:, None] for name, array in inputs.items()}
        logits, _, state = policy.net(tensors, state)
        outputs.append(logits[0, 0].detach().numpy())
    return np.array(outputs)


SEEN = np.random.default_rng(0).integers(4, size=9)


@pytest.mark.parametrize("memory", ["gru", "frameconv", "lru"])
@pytest.mark.parametrize("embedding", [None, "sine"])
def test_a_module_becomes_a_policy_with_the_same_outputs(memory, embedding):
    made = module(memory, embedding=embedding)
    state = {name: torch.as_tensor(x)[None] for name, x in made.get_initial_state().items()}
    batch = {
        Columns.OBS: torch.eye(4)[SEEN][None], Columns.STATE_IN: state,
        Columns.SEQ_LENS: torch.tensor([len(SEEN)]),
    }  # fmt: skip
    expected = made.forward_inference(batch)[Columns.ACTION_DIST_INPUTS][0].numpy()
    found = played(policy_of(made, SUITS, SUITS), SEEN)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("embedding", [None, "sine"])
def test_a_custom_model_becomes_a_policy_with_the_same_outputs(embedding):
    made = model(stack_size=3, embedding=embedding)
    state = [x[None] for x in made.get_initial_state()]
    inputs = {"obs": torch.eye(4)[SEEN], "obs_flat": torch.eye(4)[SEEN]}
    expected, _ = made(inputs, state, torch.tensor([len(SEEN)]))
    found = played(policy_of(made, SUITS, SUITS), SEEN)
    np.testing.assert_allclose(found, expected.detach().numpy(), atol=1e-5)


def test_such_a_policy_is_inspected():
    policy = policy_of(model(stack_size=3), SUITS, SUITS)
    found = popgym.inspect(
        policy, "RepeatPreviousEasy", parts=("effect", "reach"), episodes=2, max_steps=20
    )
    assert found.effect.curves["variation"].value[3:].max() == 0
    assert found.reach.receptive_field == 3


def test_what_cannot_become_a_policy_is_refused():
    with pytest.raises(TypeError, match="must be a MemoryModule or a BaseModel"):
        policy_of(torch.nn.Linear(1, 1), SUITS, SUITS)
    with pytest.raises(ValueError, match="Decay has no core"):
        policy_of(model(Decay), SUITS, SUITS)
    with pytest.raises(ValueError, match="does not fit observations in Discrete\\(5\\)"):
        policy_of(module(), gym.spaces.Discrete(5), SUITS)
