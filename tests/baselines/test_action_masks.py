"""What an action mask forbids is never done: in training, in evaluation, and by a saved policy."""

import numpy as np
import pytest
import torch

import popgym
from popgym.baselines.build import running_algorithm
from popgym.play.actors import policy_actor
from popgym.runs.errors import BrokenEnvironmentError
from popgym.runs.evaluate import evaluate
from popgym.runs.settings import Settings
from tests.baselines import masked
from tests.runs.specimens import SMALL

ENVS = ["Turns", "SeenTurns", "SeenEnd", "ManyTurns"]


def name(env):
    return f"{masked.__name__}:{env}"


@pytest.mark.parametrize("vectorization", ["sync", "async"])
@pytest.mark.parametrize("env", ENVS)
def test_forbidden_actions_are_never_taken(tmp_path, env, vectorization):
    run = popgym.train(
        name(env), "gru", steps=512, eval_every=1, eval_episodes=3, progress=False,
        out=tmp_path / "run", vectorization=vectorization, **SMALL,
    )  # fmt: skip
    for deterministic in (True, False):
        evaluate(run.path, episodes=9, num_envs=4, deterministic=deterministic)
    evaluate(run.path, episodes=9, num_envs=4, max_steps=3)
    policy, single = run.policy(), getattr(masked, env)()
    act = policy_actor(policy, single)
    obs, info = single.reset(seed=0)
    for step in range(4):
        obs, *_, info = single.step(act(obs, step == 0, info))


@pytest.mark.parametrize("env", ENVS)
def test_learning_sees_the_masks_that_acting_saw(env):
    chosen = Settings(env=name(env), memory="gru", **SMALL).resolved()
    with running_algorithm(chosen) as algorithm:
        learner = algorithm.learner_group._learner
        for random in (False, True):
            (rollout,) = algorithm.env_runner.sample(random_actions=random)
            forbidden = ~rollout.inputs["mask"]
            assert 0 < forbidden.mean() < 1
            assert (rollout.action_inputs[forbidden] == -1e9).all()
            logits, _ = learner.forward(learner.batch_of(rollout))
            np.testing.assert_allclose(logits.detach(), rollout.action_inputs, atol=2e-5)
        algorithm.train()
        for weight in learner.module["default_policy"].parameters():
            assert torch.isfinite(weight).all()


def test_masks_can_be_ignored(tmp_path):
    with pytest.raises(BrokenEnvironmentError, match="forbidden"):
        popgym.train(
            name("Turns"), "gru", steps=512, action_masks=False, progress=False,
            out=tmp_path / "run", **SMALL,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("env", "message"),
    [("NothingAllowed", "environment 0: action_mask must allow at least one choice"),
     ("ShortMask", "environment 0: action_mask must have 3 numbers.*got 2")],
)  # fmt: skip
def test_a_wrong_mask_is_named(tmp_path, env, message):
    with pytest.raises(BrokenEnvironmentError, match=message):
        popgym.train(name(env), steps=512, progress=False, out=tmp_path / "run", **SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("env", "obs"), [("Guess", 0), ("Reach", np.zeros(1, np.float32))])
def test_a_policy_trained_without_masks_refuses_one(tmp_path, env, obs):
    run = popgym.train(f"tests.baselines.ppo.toys:{env}", steps=128, progress=False,
                       out=tmp_path / "run", **SMALL)  # fmt: skip
    with pytest.raises(ValueError, match="leave out the mask"):
        run.policy().act(obs, action_mask=np.ones(3, np.int8))
