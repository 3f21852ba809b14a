"""The pieces of probes: which numbers they predict from which, and how they are scored."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector.utils import batch_space

from popgym.insight import probe_states
from popgym.insight.probe_fits import linear, split
from popgym.insight.probe_inputs import features
from popgym.insight.probe_network import networks
from popgym.insight.probe_parts import hidden_parts, observed_parts
from popgym.insight.probe_states import Samples, draw_samples, seen_at, states_of
from popgym.insight.probe_targets import (
    ACCURACY,
    MOST_TARGETS,
    R2,
    Target,
    gains,
    hidden_targets,
    observed_target,
)
from popgym.insight.recording import Recording
from tests.insight.recordings import policy_with, recording_of

RNG = 0
MIXED = spaces.Dict(
    {
        "card": spaces.Discrete(5, start=2),
        "board": spaces.MultiDiscrete([[2, 3], [4, 2]]),
        "lamps": spaces.MultiBinary(3),
        "speed": spaces.Box(-1, 1, (2,)),
        "camera": spaces.Box(0, 255, (8, 12, 3), np.uint8),
    }
)


def samples_of(*lengths):
    return draw_samples(np.array(lengths), np.random.default_rng(RNG))


def observed(space, *, steps=3, batch=6, **overrides):
    """Return observations of a space, and the parts that are read from a network's inputs."""
    policy = policy_with(obs=space, **overrides)
    many = batch_space(space, batch)
    many.seed(0)
    observations = [many.sample() for _ in range(steps)]
    encode = policy.spec.encoder()
    recording = Recording(inputs=[encode(each) for each in observations])
    return observations, {part.name: part for part in observed_parts(policy, recording)}


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("encoder", ["auto", "none"])
def test_the_parts_of_an_observation_are_read_from_what_the_network_saw(normalise, encoder):
    observations, parts = observed(
        MIXED, normalise_observations=normalise, network={"encoder": encoder}
    )
    for key, shift in (("card", 2), ("board", 0), ("lamps", 0), ("speed", 0)):
        part = parts[f"observation['{key}']"]
        expected = np.stack([np.reshape(each[key], (6, -1)) for each in observations]) - shift
        np.testing.assert_array_equal(part.values, expected)
        assert part.discrete == (key != "speed")
    camera = parts["observation['camera']"]
    # 8 x 12 in cells of 2 x 3
    expected = [each["camera"].reshape(6, 4, 2, 4, 3, 3).mean((2, 4, 5)) for each in observations]
    np.testing.assert_allclose(camera.values, np.reshape(expected, (3, 6, 16)), rtol=1e-5)
    assert camera.note == "observation['camera']: the picture is averaged to a grey one of 4 × 4"


def test_of_many_numbers_some_are_taken_evenly():
    observations, parts = observed(spaces.Box(-1, 1, (500,)))
    (part,) = parts.values()
    assert part.values.shape == (3, 6, 128)
    np.testing.assert_array_equal(part.values[0, :, [0, -1]], observations[0][:, [0, -1]].T)
    assert part.note == "observation: 128 of its 500 numbers are probed"


def hidden_recording(space, steps=4, batch=8):
    many = batch_space(space, batch)
    many.seed(0)
    return Recording(
        hidden=[many.sample() for _ in range(steps)], hidden_space=space,
        lengths=np.full(batch, steps),
    )  # fmt: skip


def test_small_parts_of_a_hidden_state_are_predicted_number_by_number():
    space = spaces.Tuple((spaces.MultiBinary((2, 2)), spaces.Box(-1, 1, (30,)), spaces.Discrete(3)))
    recording, samples = hidden_recording(space), samples_of(*[4] * 8)
    targets = [*hidden_targets([*hidden_parts(recording)], samples, [])]
    names = [f"hidden[0][{i}, {j}]" for i in (0, 1) for j in (0, 1)]
    assert [each.name for each in targets] == [*names, "hidden[1]", "hidden[2]"]
    assert [each.kind for each in targets] == [ACCURACY] * 4 + [R2, ACCURACY]
    first = np.array([recording.hidden[t][0][e, 0, 0] for e, t in zip(*samples[:2], strict=True)])
    np.testing.assert_array_equal(targets[0].values[:, 0], first)
    assert len(targets) <= MOST_TARGETS


def test_parts_of_no_fixed_size_are_noted():
    space = spaces.Dict({"text": spaces.Text(4), "number": spaces.Discrete(3)})
    many = [{"text": ("a",) * 8, "number": np.arange(8) % 3} for _ in range(4)]
    recording = Recording(hidden=many, hidden_space=space, lengths=np.full(8, 4))
    notes = []
    targets = [*hidden_targets([*hidden_parts(recording)], samples_of(*[4] * 8), notes)]
    assert [each.name for each in targets] == ["hidden['number']"]
    assert notes == ["hidden['text'] has no fixed size and is not probed"]


def test_observations_of_both_kinds_are_predicted_as_real_numbers():
    space = spaces.Dict({"card": spaces.Discrete(3), "speed": spaces.Box(-1, 1, (2,))})
    _, parts = observed(space, steps=50)
    (target,) = observed_target([*parts.values()], samples_of(*[50] * 6), 1, [])
    assert target.kind == R2
    assert target.values.shape[1] == 3 + 2
    train = target.known & samples_of(*[50] * 6).train
    np.testing.assert_allclose(target.values[train].mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(target.values[train].std(0), 1, atol=1e-6)
    np.testing.assert_array_equal(target.known, samples_of(*[50] * 6).step >= 1)


def test_constant_numbers_are_left_out():
    values = np.zeros((4, 8, 3))
    values[:, :, 1] = np.arange(32).reshape(4, 8)
    space = spaces.Box(-1, 99, (3,))
    recording = Recording(hidden=[*values], hidden_space=space, lengths=np.full(8, 4))
    notes = []
    (target,) = hidden_targets([*hidden_parts(recording)], samples_of(*[4] * 8), notes)
    assert target.name == "hidden[1]"
    absent = "does not vary in the training episodes and is not probed"
    assert notes == [f"hidden[0] {absent}", f"hidden[2] {absent}"]


def test_an_episode_is_either_for_training_or_for_the_test():
    samples = samples_of(3, 1, 4, 2, 5)
    assert sorted(set(samples.episode[samples.train])) == [0, 1, 2]
    assert sorted(set(samples.episode[~samples.train])) == [3, 4]
    assert len(samples.step) == 15
    assert samples.step.max() == 4


def test_of_many_steps_some_are_drawn(monkeypatch):
    monkeypatch.setattr(probe_states, "MOST_SAMPLES", 20)
    samples = samples_of(30, 30, 4)
    assert samples.train.sum() == 10
    assert (~samples.train).sum() == 4
    assert (np.diff(samples.step[samples.train & (samples.episode == 0)]) > 0).all()


@pytest.mark.parametrize(
    ("memory", "options"), [("gru", {}), ("lstm", {}), ("frameconv", {}), ("gtrxl", {"window": 4})]
)
def test_the_state_is_that_after_the_step(memory, options):
    """Against whole episodes, cut after the step."""
    policy = policy_with(memory, options)
    recording = recording_of(policy, 5, 9, 7)
    samples = samples_of(5, 9, 7)
    found = states_of(policy.net, recording, samples, 0)
    for row, e, t in zip(found, samples.episode, samples.step, strict=True):
        inputs = {name: x[:, : t + 1] for name, x in recording.episodes[e].tensors().items()}
        with torch.no_grad():
            _, _, state = policy.net(inputs, policy.net.initial_state(1))
        expected = torch.cat([each.flatten() for each in state.memory]).numpy()
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)


def test_what_the_network_saw_is_all_but_the_mask():
    policy = policy_with(obs=spaces.Box(0, 255, (8, 8, 3), np.uint8), masked=True)
    recording, samples = recording_of(policy, 3, 3), samples_of(3, 3)
    found = seen_at(recording, samples, 0)
    numbers = recording.inputs[0]["numbers"].shape[1]
    assert found.shape == (6, 8 * 8 * 3 + numbers)
    picture = recording.inputs[2]["picture0"][1].ravel() / np.float32(255)
    np.testing.assert_array_equal(found[-1][np.isin(found[-1], picture)], picture)


def test_a_projection_keeps_distances(monkeypatch):
    policy = policy_with("framestack", {"stack_size": 65})  # 64 inputs of 16 numbers
    recording, samples = recording_of(policy, *[70] * 4), samples_of(*[70] * 4)
    whole = states_of(policy.net, recording, samples, 0)
    assert whole.shape[1] == 1024
    monkeypatch.setattr(probe_states, "MOST_NUMBERS", 512)
    short = states_of(policy.net, recording, samples, 0)
    assert short.shape == (280, 512)
    again = states_of(policy.net, recording, samples, 0)
    np.testing.assert_array_equal(short, again)
    scaled = whole / whole[samples.episode < 2].std(0)
    pairs = np.random.default_rng(0).integers(280, size=(200, 2))
    lengths = [np.linalg.norm(x[pairs[:, 0]] - x[pairs[:, 1]], axis=1) for x in (scaled, short)]
    assert np.corrcoef(lengths)[0, 1] > 0.95
    assert 0.9 < np.mean(lengths[1]) / np.mean(lengths[0]) < 1.1


def test_features_are_orthogonal_and_end_where_variance_does():
    rng = np.random.default_rng(0)
    inner = rng.standard_normal((300, 3))
    x = np.concatenate([inner, inner @ rng.standard_normal((3, 5)), np.ones((300, 1))], 1)
    train = np.arange(300) < 200
    found = features(x.astype(np.float32), train, 0)
    covariance = np.cov(found[train].T)
    assert found.shape == (300, 3)
    assert (np.diff(np.diag(covariance)) < 0).all()
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-9)
    assert features(np.ones((300, 4), np.float32), train, 0).shape == (300, 1)


def target_of(values, kind, known=None):
    values = np.asarray(values)
    return Target("target", kind, values, np.ones(len(values), bool) if known is None else known)


def test_the_accuracy_is_the_mean_over_numbers():
    target = target_of([[0, 1], [2, 1], [-1, 0]], ACCURACY)
    predicted = np.zeros((3, 2, 3))
    predicted[:, 0, 2], predicted[:, 1, 1] = 1, 1  # classes 2 and 1 at all steps
    found = gains(target, predicted.reshape(3, 6), np.arange(3))
    np.testing.assert_array_equal(found.gain, [0.5, 1, 0])
    assert found.score == 0.5


def test_r2_is_0_for_the_mean_of_training_and_averaged_over_numbers():
    y = np.array([[1.0, 2], [-1, 4], [3, 0]])
    target = target_of(y, R2)
    rows = np.arange(3)
    assert gains(target, np.zeros((3, 2)), rows).score == 0
    assert gains(target, y, rows).score == 1
    half = np.stack([y[:, 0], np.zeros(3)], 1)
    assert gains(target, half, rows).score == pytest.approx(0.5)
    # 1 - (1 + 1 + 1) / 11 for the first number, 1 for the second
    assert gains(target, y + np.array([1, 0]), rows).score == pytest.approx((8 / 11 + 1) / 2)


def noise(n=1200, size=6, seed=0):
    """Return random features, and samples of 12 episodes."""
    x = np.random.default_rng(seed).standard_normal((n, size))
    episode = np.repeat(np.arange(12), n // 12)
    return x, Samples(episode, np.tile(np.arange(n // 12), 12), episode < 6)


def test_a_network_finds_what_is_not_linear():
    x, samples = noise()
    targets = [
        target_of((x[:, :1] * x[:, 1:2] > 0).astype(int), ACCURACY),
        target_of(np.abs(x[:, 2:4]) - np.abs(x[:, 2:4]).mean(0), R2),
    ]
    plain = linear(x, targets, samples, np.random.default_rng(0))
    splits = [split(each, samples) for each in targets]
    mlps = networks(x, targets, [each.first for each in plain], splits, 0)
    assert plain[0].probe.score < 0.6
    assert plain[1].probe.score < 0.1
    assert mlps[0].score > 0.85
    assert mlps[1].score > 0.8


def test_the_network_of_a_target_does_not_depend_on_the_width_of_others():
    x, samples = noise(600)
    target = target_of((x[:, :1] > 0).astype(int), ACCURACY)
    wide = target_of(np.random.default_rng(1).integers(7, size=(600, 9)), ACCURACY)
    scores = []
    for targets in ([target], [target, wide]):
        plain = linear(x, targets, samples, np.random.default_rng(0))
        splits = [split(each, samples) for each in targets]
        first = [each.first for each in plain]
        scores.append(networks(x, targets, first, splits, 0)[0].score)
    assert min(scores) > 0.9


def test_ridge_regression_agrees_with_scikit_learn():
    from sklearn.linear_model import Ridge

    from popgym.insight.probe_fits import _Ridge

    x, _ = noise(200)
    y = x[:, :2] ** 2 + x[:, 1:3]
    for penalty in (1e-4, 1.0):
        expected = Ridge(penalty * 150).fit(x[:150], y[:150]).predict(x[150:])
        np.testing.assert_allclose(_Ridge(x[:150], y[:150])(x[150:], penalty), expected)


def test_what_is_constant_in_an_episode_is_not_learned_by_heart():
    """Features that tell the episode, and classes that are drawn for each episode."""
    rng = np.random.default_rng(0)
    _, samples = noise(1200)
    x = np.repeat(rng.standard_normal((12, 20)), 100, 0) + 0.1 * rng.standard_normal((1200, 20))
    classes = np.repeat([0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0], 100)[:, None]
    target = target_of(classes, ACCURACY)
    (plain,) = linear(x, [target], samples, rng)
    (mlp,) = networks(x, [target], [plain.first], [split(target, samples)], 0)
    for found in (plain.probe, plain.shuffled, mlp):
        assert 0.1 < found.score < 0.9


def test_only_steps_with_a_value_are_used():
    x, samples = noise(240)
    target = target_of((x[:, :1] > 0).astype(int), ACCURACY, known=samples.step >= 4)
    parts = split(target, samples)
    assert (samples.step[np.concatenate(parts)] >= 4).all()
    assert len(parts.fit) == 72
    assert len(parts.choose) == 24
    assert samples.train[parts.train].all()
    assert not samples.train[parts.test].any()
