"""Pictures from the environment to the network, to the learner, and to the saved policy."""

import warnings

import numpy as np
import pytest
import torch

import popgym
from popgym.baselines.checks import check
from popgym.baselines.ppo.runner import RolloutRunner
from tests.baselines.pictures import Grid
from tests.runs.specimens import SMALL, settings

ROOM = Grid.__module__
TEXT = r"observation\['mission'\] is text, which a network cannot take, and is left out"


def train(name, folder, **options):
    return popgym.train(
        f"{ROOM}:{name}", "gru", out=folder / "run", progress=False, **{**SMALL, **options}
    )


@pytest.mark.parametrize("name", ["Grid", "Large"])
def test_learning_and_the_saved_policy_see_what_acting_saw(tmp_path, monkeypatch, name):
    rollouts = []
    sample = RolloutRunner.sample

    def watched(self, **kwargs):
        (rollout,) = sample(self, **kwargs)
        weights = {name: x.clone() for name, x in self.net.state_dict().items()}
        rollouts.append((weights, rollout))
        return [rollout]

    monkeypatch.setattr(RolloutRunner, "sample", watched)
    with pytest.warns(UserWarning, match=TEXT):
        run = train(name, tmp_path, steps=256)
    size = 7 if name == "Grid" else 36
    (_, first), (weights, second) = rollouts
    assert first.final_values.any()
    assert {k: (x.dtype, x.shape[2:]) for k, x in second.inputs.items()} == {
        "measured": (np.float32, (1,)),
        "numbers": (np.float32, (4 + 3 + 1,)),
        "picture0": (np.uint8, (size, size, 3)),
    }
    net = run.policy().net
    mean = net.inputs.normaliser.mean
    assert not torch.equal(mean, weights["inputs.normaliser.mean"])
    net.load_state_dict(weights)  # what acted in the second iteration
    state = net.unflatten_state({k: torch.from_numpy(v) for k, v in second.state.items()})
    inputs = {k: torch.from_numpy(x) for k, x in second.inputs.items()}
    with torch.no_grad():
        logits, values, _ = net(inputs, state, torch.from_numpy(second.start))
    np.testing.assert_allclose(logits, second.action_inputs, atol=2e-5)
    np.testing.assert_allclose(values, second.values, atol=2e-5)


def test_a_network_learns_from_a_picture_and_its_policy_plays_the_environment(tmp_path):
    with pytest.warns(UserWarning, match=TEXT):
        run = train("Grid", tmp_path, steps=4096, lr=1e-3, epochs=4, gamma=0.0)
    first, last = run.rows[0], run.rows[-1]
    assert first["return_mean"] < 2 and last["return_mean"] > 2.5  # of 4; chance is 4/3
    policy, env, total, state = run.policy(), Grid(), 0.0, None
    obs, _ = env.reset(seed=0)
    for _ in range(4):
        action, state = policy.act(obs, state)  # the observation as it is, words included
        obs, reward, *_ = env.step(action)
        total += reward
    assert total >= 2
    assert popgym.evaluate(run.policy(), f"{ROOM}:Grid", episodes=32).returns.mean() > 2.5


def test_there_is_one_warning_of_text():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check(settings(f"{ROOM}:Grid", memory="gru"))
    assert [str(each.message)[:22] for each in caught] == ["observation['mission']"]


def test_words_alone_are_refused():
    with pytest.raises(ValueError, match=r"^the observation space Dict\('mission': Text"):
        check(settings(f"{ROOM}:Words", memory="gru"))


@pytest.mark.filterwarnings("ignore:observation")
def test_pictures_can_be_flattened_and_the_encoder_chosen():
    def spec_size(**network):
        chosen = settings(f"{ROOM}:Grid", memory="gru", network={**SMALL["network"], **network})
        check(chosen)

    spec_size(encoder="none")
    with pytest.raises(ValueError, match="7 x 7 is too small for the encoder 'mnih'"):
        spec_size(encoder="mnih")
