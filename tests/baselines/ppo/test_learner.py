"""The loss against its formula in torch's own distributions, and how advantages are scaled."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from ray.rllib.core import DEFAULT_MODULE_ID
from torch.distributions import Categorical, kl_divergence

from popgym.baselines.ppo import RecurrentPPOConfig
from popgym.baselines.ppo.algorithm import OPTIONS
from popgym.baselines.ppo.ppo import ppo_loss, update
from popgym.baselines.ppo.rollout import empty_rollout
from popgym.baselines.ppo.scaling import AdvantageScale
from popgym.runs.settings import Settings


def reference(s, batch, logits, values):
    """Equations 7 to 9 of Schulman et al. (2017) and the last term of Heess et al. (2017)."""
    old, new = Categorical(logits=batch.action_inputs), Categorical(logits=logits)
    actions, A = batch.actions.squeeze(-1), batch.advantages
    ratio = (new.log_prob(actions) - old.log_prob(actions)).exp()
    surrogate = torch.min(ratio * A, torch.clip(ratio, 1 - s["clip"], 1 + s["clip"]) * A).mean()
    kl = kl_divergence(old, new).mean()
    return (
        -surrogate
        + 0.2 * ((values - batch.targets) ** 2).mean()
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
    settings = {"clip": 0.1, **given}
    algorithm = build(**settings)
    learner = algorithm.learner_group._learner
    (rollout,) = algorithm.env_runner.sample()
    batch = learner.batch_of(rollout).rows(torch.tensor([5, 0, 3]))
    module = learner.module[DEFAULT_MODULE_ID]
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    parameters = [weight for weight in module.parameters() if weight.requires_grad]

    def gradients(loss_of):
        loss = loss_of(*learner.forward(batch))
        return loss, torch.autograd.grad(loss, parameters, allow_unused=True)

    options = learner.loss_options()
    loss, found = gradients(
        lambda logits, values: ppo_loss(logits, values, batch, learner._distribution, options)[0]
    )
    right, expected = gradients(lambda *outputs: reference(settings, batch, *outputs))
    torch.testing.assert_close(loss, right, rtol=1e-4, atol=1e-5)
    for one, other in zip(found, expected, strict=True):
        if other is not None:
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("by", "clip"),
    [
        ("global_norm", torch.nn.utils.clip_grad_norm_),
        ("value", torch.nn.utils.clip_grad_value_),
        (
            "norm",
            lambda weights, limit: [torch.nn.utils.clip_grad_norm_(w, limit) for w in weights],
        ),
    ],
)
def test_gradients_are_clipped_as_the_configuration_says(build, by, clip):
    learner = build(grad_clip=0.01).learner_group._learner
    learner.config = learner.config.copy(copy_frozen=False)
    learner.config.grad_clip_by = by
    weights = list(learner.module[DEFAULT_MODULE_ID].parameters())
    for i, weight in enumerate(weights):
        weight.grad = torch.full_like(weight, 0.001 * i)
    copies = [torch.nn.Parameter(weight.detach().clone()) for weight in weights]
    for copy, weight in zip(copies, weights, strict=True):
        copy.grad = weight.grad.clone()
    learner._clip_gradients()
    clip(copies, 0.01)
    for copy, weight in zip(copies, weights, strict=True):
        torch.testing.assert_close(weight.grad, copy.grad)


def test_advantages_are_not_divided_by_less_than_a_share_of_what_they_were():
    scale = AdvantageScale()
    drawn = np.random.default_rng(0).normal(size=(8, 16)).astype(np.float32)
    drawn = (drawn - drawn.mean()) / drawn.std()
    np.testing.assert_allclose(scale.normalise(3 + 2 * drawn, 0.25), drawn, atol=1e-5)
    # the largest deviation, 2, has decayed twice; of that a quarter
    np.testing.assert_allclose(scale.normalise(drawn, 0.25), drawn, atol=1e-5)
    expected = 0.01 * drawn / (0.25 * 2 * 0.99**2)
    np.testing.assert_allclose(scale.normalise(0.01 * drawn, 0.25), expected, atol=1e-6)


def test_without_a_floor_every_batch_is_divided_by_its_own_deviation():
    scale = AdvantageScale()
    drawn = np.random.default_rng(0).normal(size=(8, 16)).astype(np.float32)
    for factor in (2.0, 0.01):
        assert abs(scale.normalise(factor * drawn, 0.0).std() - 1) < 1e-5


@pytest.mark.parametrize(
    ("num_envs", "rows", "sizes"),
    [(10, 6, [5, 5]), (10, 5, [5, 5]), (7, 6, [4, 3]), (5, 1, [1] * 5), (4, 100, [4])],
)
def test_every_row_is_learned_from_once_an_epoch(build, num_envs, rows, sizes):
    learner = build(num_envs=num_envs).learner_group._learner
    forward, seen = learner.forward, []

    def watched(batch):
        seen.append(batch.inputs["numbers"][:, 0, 0].tolist())
        return forward(batch)

    batch = learner.batch_of(numbered_rollout(learner, num_envs, steps=16))
    update(
        batch, watched, learner._distribution,
        learner.get_optimizer(), learner._clip_gradients, learner.loss_options(),
        epochs=2, minibatch_size=16 * rows, generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert [len(rows) for rows in seen] == 2 * sizes
    for epoch in (seen[: len(sizes)], seen[len(sizes) :]):
        assert sorted(itertools.chain(*epoch)) == list(range(num_envs))


def numbered_rollout(learner, rows, steps):
    """A rollout whose observations are the number of their row."""
    net = learner.module[DEFAULT_MODULE_ID].net
    rollout = empty_rollout(rows, steps, {"numbers": np.zeros((rows, 9), np.float32)}, 4)
    rollout.inputs["numbers"] += np.arange(rows)[:, None, None]
    state = {k: v.numpy() for k, v in net.flatten_state(net.initial_state(rows)).items()}
    return dataclasses.replace(rollout, actions=np.zeros((rows, steps), np.int64), state=state)


def test_rllibs_configuration_has_the_defaults_of_the_settings():
    config, settings = RecurrentPPOConfig(), Settings(env="").resolved()
    for name, ours in OPTIONS.items():
        assert getattr(config, name) == getattr(settings, ours), name
    assert config.train_batch_size_per_learner == settings.batch_size
    assert config.minibatch_size == settings.minibatch_size
    assert config.num_envs_per_env_runner == settings.num_envs


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"vf_clip_param": 10.0}, "vf_clip_param does not exist here.*leave it out"),
        ({"kl_cutoff": -0.1}, "kl_cutoff must be at least 0, got -0.1"),
        ({"kl_cutoff": float("nan")}, "kl_cutoff must be at least 0, got nan"),
        ({"advantage_floor": -0.1}, "advantage_floor must be at least 0 and at most 1, got -0.1"),
        ({"advantage_floor": 5}, "advantage_floor must be at least 0 and at most 1, got 5"),
    ],
)
def test_a_number_out_of_range_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        RecurrentPPOConfig().training(**given)


def test_rates_change_linearly_from_the_first_step_to_the_last(build):
    given = {"lr": 1e-2, "lr_final": 0.0, "entropy_coefficient": 0.2, "entropy_final": 0.1}
    algorithm = build(steps=8 * 16 * 4, **given)
    learner = algorithm.learner_group._learner
    for done in (0.25, 0.5, 0.75, 1.0, 1.0):
        algorithm.train()
        rate = learner.get_optimizer().param_groups[0]["lr"]
        assert float(rate) == pytest.approx(1e-2 * (1 - done), abs=1e-9)
        entropy = learner.loss_options().entropy_coefficient
        assert entropy == pytest.approx(0.2 - 0.1 * done)
