"""The loss against its formula in torch's own distributions, and how advantages are scaled."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing
from torch.distributions import Categorical, kl_divergence

from popgym.baselines.ppo import RecurrentPPOConfig
from popgym.baselines.ppo.learner import as_batch
from popgym.baselines.ppo.runner import _empty_rollout


def reference(s, batch, fwd_out):
    """Equations 7 to 9 of Schulman et al. (2017) and the last term of Heess et al. (2017)."""
    old = Categorical(logits=batch[Columns.ACTION_DIST_INPUTS])
    new = Categorical(logits=fwd_out[Columns.ACTION_DIST_INPUTS])
    actions, A = batch[Columns.ACTIONS].squeeze(-1), batch[Postprocessing.ADVANTAGES]
    ratio = (new.log_prob(actions) - old.log_prob(actions)).exp()
    surrogate = torch.min(ratio * A, torch.clip(ratio, 1 - s["clip"], 1 + s["clip"]) * A).mean()
    errors = (fwd_out[Columns.EMBEDDINGS] - batch[Postprocessing.VALUE_TARGETS]) ** 2
    kl = kl_divergence(old, new).mean()
    return (
        -surrogate
        + 0.5 * errors.clamp(max=s["value_clip"]).mean()
        - s["entropy_coefficient"] * new.entropy().mean()
        + s["kl_coefficient"] * kl
        + 1000 * max(0, kl - s["kl_cutoff"]) ** 2 * bool(s["kl_cutoff"])
    )


@pytest.mark.parametrize(
    "given",
    [
        {"kl_cutoff": 0.0, "kl_coefficient": 0.0, "entropy_coefficient": 0.0},
        {"kl_cutoff": 0.0, "kl_coefficient": 0.3, "entropy_coefficient": 0.01},
        {"kl_cutoff": 1e-3, "kl_coefficient": 0.0, "entropy_coefficient": 0.0},
        {"kl_cutoff": 50.0, "kl_coefficient": 0.0, "entropy_coefficient": 0.0},
    ],
    ids=str,
)
def test_the_loss_and_its_gradient_are_those_of_the_formula(build, given):
    settings = {"clip": 0.1, "value_clip": 0.02, **given}
    algorithm = build(**settings)
    learner = algorithm.learner_group._learner
    (rollout,) = algorithm.env_runner.sample()
    batches = learner._create_iterator_if_necessary(
        training_data=SimpleNamespace(batch=as_batch(rollout)), minibatch_size=64
    )
    batch = next(batches).policy_batches[DEFAULT_MODULE_ID]
    module = learner.module[DEFAULT_MODULE_ID]
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    parameters = [weight for weight in module.parameters() if weight.requires_grad]

    def gradients(loss_of):
        fwd_out = module.forward_train(batch)
        loss = loss_of(fwd_out)
        return loss, torch.autograd.grad(loss, parameters, allow_unused=True)

    loss, found = gradients(
        lambda fwd_out: learner.compute_loss_for_module(
            module_id=DEFAULT_MODULE_ID, config=learner.config, batch=batch, fwd_out=fwd_out
        )
    )
    right, expected = gradients(lambda fwd_out: reference(settings, batch, fwd_out))
    torch.testing.assert_close(loss, right, rtol=1e-4, atol=1e-5)
    for one, other in zip(found, expected, strict=True):
        if other is not None:
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_advantages_are_not_divided_by_less_than_a_share_of_what_they_were(build):
    learner = build(advantage_floor=0.25).learner_group._learner
    drawn = np.random.default_rng(0).normal(size=(8, 16)).astype(np.float32)
    drawn = (drawn - drawn.mean()) / drawn.std()
    np.testing.assert_allclose(learner._normalised(3 + 2 * drawn), drawn, atol=1e-5)
    # the largest deviation, 2, has faded twice; of that a quarter
    np.testing.assert_allclose(learner._normalised(drawn), drawn, atol=1e-5)
    expected = 0.01 * drawn / (0.25 * 2 * 0.99**2)
    np.testing.assert_allclose(learner._normalised(0.01 * drawn), expected, atol=1e-6)


def test_without_a_floor_every_batch_is_divided_by_its_own_deviation(build):
    learner = build(advantage_floor=0.0).learner_group._learner
    drawn = np.random.default_rng(0).normal(size=(8, 16)).astype(np.float32)
    for scale in (2.0, 0.01):
        assert abs(learner._normalised(scale * drawn).std() - 1) < 1e-5


@pytest.mark.parametrize(
    ("num_envs", "rows", "sizes"),
    [(10, 6, [5, 5]), (10, 5, [5, 5]), (7, 6, [4, 3]), (5, 1, [1] * 5), (4, 100, [4])],
)
def test_every_row_is_learned_from_once_an_epoch(build, num_envs, rows, sizes):
    learner = build(num_envs=num_envs, minibatch_size=16 * rows).learner_group._learner
    rollout = learner_tape(num_envs, steps=16)
    batches = learner._create_iterator_if_necessary(
        training_data=SimpleNamespace(batch=as_batch(rollout)),
        num_epochs=2,
        minibatch_size=16 * rows,
    )
    for _ in range(2):
        epoch = [next(batches).policy_batches[DEFAULT_MODULE_ID] for _ in sizes]
        assert [len(batch[Columns.OBS]) for batch in epoch] == sizes
        seen = torch.cat([batch[Columns.OBS][:, 0, 0] for batch in epoch])
        assert sorted(seen.tolist()) == list(range(num_envs))


def learner_tape(rows, steps):
    """A rollout whose observations are the number of their row."""
    rollout = _empty_rollout(rows, steps, 9, 4)
    rollout.inputs += np.arange(rows)[:, None, None]
    return dataclasses.replace(rollout, actions=np.zeros((rows, steps), np.int64))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kl_cutoff": -0.1}, "kl_cutoff must be at least 0, got -0.1"),
        ({"kl_cutoff": float("nan")}, "kl_cutoff must be at least 0, got nan"),
        ({"advantage_floor": -0.1}, "advantage_floor must be from 0 to 1, got -0.1"),
        ({"advantage_floor": 5}, "advantage_floor must be from 0 to 1, got 5"),
    ],
)
def test_a_number_out_of_range_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        RecurrentPPOConfig().training(**given)
