import json
import os
import stat

import numpy as np
import pytest
import torch
from gymnasium import spaces

from popgym.runs.policy import load_policy
from popgym.runs.policy_file import DESCRIPTION, FORMAT, WEIGHTS
from tests.runs.specimens import NETWORK, policy

OBSERVATIONS = spaces.Dict(
    a=spaces.Discrete(3), b=spaces.Tuple([spaces.Box(-1, 1, (2, 2)), spaces.MultiBinary(2)])
)
ACTIONS = [
    spaces.Discrete(5, start=-2),
    spaces.MultiDiscrete([2, 3]),
    spaces.Box(np.array([-2.0, 0.0], np.float32), np.array([2.0, 1.0], np.float32)),
]


def samples(space, count, seed=0):
    space.seed(seed)
    return [space.sample() for _ in range(count)]


def play(agent, observations, **how):
    actions, state = [], None
    for obs in observations:
        action, state = agent.act(obs, state, **how)
        actions.append(action)
    return actions


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("actions", ACTIONS, ids=str)
def test_every_action_is_in_its_space(actions, deterministic):
    agent = policy(OBSERVATIONS, actions)
    for action in play(agent, samples(OBSERVATIONS, 20), deterministic=deterministic):
        assert actions.contains(action), action


def test_the_state_remembers_and_none_forgets():
    agent = policy(memory="gru")
    _, once = agent.act(1)
    _, twice = agent.act(1, once)
    _, anew = agent.act(1, None)
    h_once, h_twice, h_anew = (s.network.memory[0] for s in (once, twice, anew))
    assert not torch.equal(h_once, h_twice)
    assert torch.equal(h_once, h_anew)


def test_a_state_of_something_else_is_refused():
    with pytest.raises(TypeError, match=r"state must be what the last call returned.* got 'h'"):
        policy(memory="gru").act(1, "h")


def test_acting_leaves_the_state_it_was_given_alone():
    agent = policy(memory="frameconv")
    _, state = agent.act(1)
    before = [tensor.clone() for tensor in state.network.memory]
    agent.act(2, state)
    assert all(torch.equal(a, b) for a, b in zip(before, state.network.memory, strict=True))


@pytest.mark.parametrize("actions", ACTIONS, ids=str)
def test_the_caller_may_write_into_the_actions(actions):
    agent = policy(action_space=actions)
    given, state = agent.act_many(np.array([0, 1]), None, np.ones(2, bool))
    before = given.copy()
    given += 1
    np.testing.assert_array_equal(state.previous_action, before)


@pytest.mark.parametrize("memory", ["frameconv", "gru"])
def test_many_agents_side_by_side_act_as_each_alone_also_across_episodes(memory):
    agent = policy(memory=memory)
    obs = np.random.default_rng(0).integers(0, 4, (12, 3))
    starts = np.zeros((12, 3), bool)
    starts[0], starts[5, 1], starts[7, 2] = True, True, True
    together, state = [], None
    for t in range(12):
        actions, state = agent.act_many(obs[t], state, starts[t])
        together.append(actions)
    for b in range(3):
        state = None
        for t in range(12):
            action, state = agent.act(int(obs[t, b]), None if starts[t, b] else state)
            assert action == together[t][b], (t, b)


def test_draws_depend_on_the_seed_alone(tmp_path):
    policy().save(tmp_path)
    observations = samples(spaces.Discrete(4), 30)

    def draws(seed):
        torch.rand(seed)  # the process's own randomness must not matter
        return play(load_policy(tmp_path, seed), observations, deterministic=False)

    assert draws(3) == draws(3)
    assert draws(3) != draws(4)


@pytest.mark.parametrize("memory", ["frameconv", "gru", "mlp"])
@pytest.mark.parametrize("actions", ACTIONS, ids=str)
def test_a_saved_policy_plays_the_same(tmp_path, memory, actions):
    agent = policy(OBSERVATIONS, actions, memory, previous_action=False)
    agent.save(tmp_path)
    again = load_policy(tmp_path)
    observations = samples(OBSERVATIONS, 10)
    np.testing.assert_array_equal(play(agent, observations), play(again, observations))
    assert again.observation_space == OBSERVATIONS
    assert again.action_space == actions


def test_a_saved_policy_is_safetensors_and_json_without_pickle(tmp_path):
    policy().save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["policy.json", "weights.safetensors"]
    assert json.loads((tmp_path / "policy.json").read_text())["memory"] == "gru"


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_who_may_read_a_policy_is_the_users_choice(tmp_path, umask):
    before = os.umask(umask)
    try:
        policy().save(tmp_path)
    finally:
        os.umask(before)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys((DESCRIPTION, WEIGHTS), 0o666 & ~umask)


def test_loading_a_policy_leaves_torchs_random_numbers_alone(tmp_path):
    policy().save(tmp_path)
    before = torch.get_rng_state()
    load_policy(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_policy_of_format_1_has_the_unit_of_time_it_was_trained_with(tmp_path):
    """Such files name another one than the module in training had, which was always 64."""
    timed = {**NETWORK, "embedding": "sine"}
    trained = policy(network={**timed, "embedding_max_steps": 64})
    policy(network=timed).save(tmp_path)
    edit(lambda d: d.update(format=1, max_steps=1024))(tmp_path)
    old = load_policy(tmp_path)
    assert old.spec.network["embedding_max_steps"] == 64
    old.net.load_state_dict(trained.net.state_dict())
    rows = torch.randn(2, 9, *old.spec.encoder().shapes["numbers"])
    outputs = [p.net(rows, p.net.initial_state(2))[0] for p in (old, trained)]
    torch.testing.assert_close(*outputs)


def test_a_policy_of_format_2_sees_numbers_and_pictures_as_they_are(tmp_path):
    """There was neither normalisation nor an encoder of pictures."""
    image = spaces.Dict(a=spaces.Box(-9, 9, (2,)), b=spaces.Box(0, 255, (5, 5, 3), np.uint8))
    trained = policy(image, network={**NETWORK, "encoder": "none"}, normalise_observations=False)
    trained.save(tmp_path)

    def as_format_2(description):
        for name in description.keys() - {
            "observation_space", "action_space", "memory", "memory_options", "network",
            "previous_action", "start_flag",
        }:  # fmt: skip
            del description[name]
        del description["network"]["encoder"]
        description["format"] = 2

    edit(as_format_2)(tmp_path)
    old, observations = load_policy(tmp_path), samples(image, 5)
    assert play(old, observations) == play(trained, observations)
    assert list(old.spec.encoder().shapes) == ["numbers"]


@pytest.mark.parametrize("obs", [4, -1, 1.5, None, np.array([1])])
def test_an_observation_outside_its_space_is_refused(obs):
    with pytest.raises(ValueError, match=r"is not in Discrete\(4\)"):
        policy().act(obs)


def edit(change):
    def damage(folder):
        data = json.loads((folder / "policy.json").read_text())
        change(data)
        (folder / "policy.json").write_text(json.dumps(data))

    return damage


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def truncate(name):
    def damage(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return damage


DAMAGE = {
    "description cut": truncate("policy.json"),
    "description empty": write("policy.json", b""),
    "description null": write("policy.json", b"null"),
    "description a string": write("policy.json", b'"policy"'),
    "description a list": write("policy.json", b"[]"),
    "weights cut": truncate("weights.safetensors"),
    "weights empty": write("weights.safetensors", b""),
    "weights garbage": write("weights.safetensors", b"\xff" * 64),
    "no format": edit(lambda d: d.pop("format")),
    "later format": edit(lambda d: d.update(format=FORMAT + 1)),
    "no memory": edit(lambda d: d.pop("memory")),
    "unknown memory": edit(lambda d: d.update(memory="elephant")),
    "unknown key": edit(lambda d: d.update(colour="red")),
    "no space": edit(lambda d: d.update(observation_space=None)),
    "wrong space": edit(lambda d: d["observation_space"].update(n=7)),
    "wrong sizes": edit(lambda d: d["network"].update(hidden_size=8)),
    "network a list": edit(lambda d: d.update(network=[1])),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_policy_is_refused_by_name_in_one_line(tmp_path, damage):
    policy().save(tmp_path)
    damage(tmp_path)
    with pytest.raises(ValueError, match=rf"the policy in {tmp_path} is damaged \(") as caught:
        load_policy(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["policy.json", "weights.safetensors"])
def test_a_missing_file_is_named(tmp_path, name):
    policy().save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ValueError, match=rf"{tmp_path} holds no policy: .*{name}"):
        load_policy(tmp_path)


def test_an_observation_a_rounding_error_outside_its_bounds_is_taken_as_in_training():
    agent = policy(spaces.Box(0, 1, (1,), np.float64))
    agent.act(np.array([1.000001]))
    with pytest.raises(ValueError, match=r"is not in Box.*has the value 1\.1"):
        agent.act(np.array([1.1]))


@pytest.mark.parametrize("obs", [{"a": 1}, {"a": 1, "b": (np.zeros((2, 2)),)}, 3, (1, 2)])
def test_an_observation_of_another_structure_is_refused(obs):
    with pytest.raises(ValueError, match=r"is not in Dict\("):
        policy(OBSERVATIONS).act(obs)


@pytest.mark.parametrize(
    ("trained", "played", "message"),
    [
        (spaces.Discrete(3), spaces.Discrete(4), r"is Discrete\(3\), .*'s is Discrete\(4\): use"),
        (
            spaces.MultiDiscrete([2, 3]),
            spaces.MultiDiscrete([2, 3], np.int32),
            r"MultiDiscrete\(\[2 3\]\) with another dtype: use",
        ),
    ],
)
def test_other_spaces_than_in_training_are_refused(trained, played, message):
    agent = policy(trained, trained)
    agent.require_spaces(trained, trained)
    for pair in ((played, trained), (trained, played)):
        with pytest.raises(ValueError, match=message):
            agent.require_spaces(*pair)
