import json
import warnings

import pytest

from popgym.runs.settings import NETWORK, Settings
from popgym.runs.settings_given import (
    merge,
    parse_assignment,
    parse_assignments,
    read_settings_file,
)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lr": "fast"}, "lr must be float, got 'fast'"),
        ({"epochs": 1.5}, "epochs must be int"),
        ({"seed": True}, "seed must be int"),
        ({"previous_action": 1}, "previous_action must be bool"),
        ({"env_options": [1]}, "env_options must be dict"),
        ({"wrappers": "Flatten"}, r"wrappers must be a list of names, such as \["),
        ({"wrappers": [1]}, "wrappers must be a list of names"),
        ({"num_envs": "8"}, "num_envs must be int, got"),
        ({"stop_at": "8"}, "stop_at must be float or null"),
    ],
)
def test_a_wrong_type_is_refused_by_name(wrong, message):
    with pytest.raises(TypeError, match=message):
        Settings(env="E", **wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"gamma": 1.5}, "gamma must be at least 0 and at most 1, got 1.5"),
        ({"lr": float("nan")}, "lr must be"),
        ({"device": "tpu"}, r"device must be one of \('cpu', 'cuda'\), got 'tpu'"),
        ({"precision": "fp8"}, "precision must be one of"),
        ({"num_envs": 2, "runners": 3}, "too few for 3 runners"),
    ],
)
def test_a_value_out_of_range_is_refused_with_what_is_allowed(wrong, message):
    with pytest.raises(ValueError, match=message):
        Settings(env="E", **wrong)


def test_an_unknown_key_names_the_nearest():
    with pytest.raises(ValueError, match=r"unknown setting 'gama'; did you mean 'gamma'\?"):
        Settings.from_dict({"env": "E", "gama": 0.9})


def test_whole_floats_are_integers_and_integers_are_floats():
    settings = Settings(env="E", steps=5e5, lr=1)
    assert settings.steps == 500_000
    assert type(settings.steps) is int
    assert type(settings.lr) is float


def test_resolving_twice_changes_nothing():
    once = Settings(env="E", network={"hidden_size": 32}).resolved()
    assert once.resolved() == once
    assert once.network == {**NETWORK, "hidden_size": 32}


def test_environments_divide_among_runners_and_learners_alike():
    with pytest.warns(UserWarning, match="num_envs 32 cannot be divided"):
        assert Settings(env="E", runners=3).resolved().num_envs == 30
        assert Settings(env="E", learners=3).resolved().num_envs == 30
        assert Settings(env="E", runners=3, learners=2).resolved().num_envs == 30


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ({"num_envs": 10, "learners": 3}, 9),
        ({"num_envs": 10, "runners": 4}, 8),
        ({"num_envs": 10, "runners": 2, "learners": 3}, 6),
        ({"num_envs": 10, "runners": 4, "learners": 3}, 8),  # twelve there are not
    ],
    ids=str,
)
def test_a_number_of_environments_that_does_not_divide_is_lowered_with_a_word(given, used):
    with pytest.warns(UserWarning, match=rf"num_envs 10 cannot be divided .*: {used} are used"):
        settings = Settings(env="E", **given).resolved()
    assert settings.num_envs == used
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert settings.resolved() == settings


def test_settings_survive_json():
    settings = Settings(env="E", memory_options={"stack_size": 8}).resolved()
    assert Settings.from_dict(json.loads(json.dumps(settings.as_dict()))) == settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lr=1e-3", ("lr", 0.001)),
        ("memory.stack_size=8", ("memory.stack_size", 8)),
        ("network.actor=[64, 64]", ("network.actor", [64, 64])),
        ("precision=bf16", ("precision", "bf16")),
        ("start_flag=false", ("start_flag", False)),
    ],
)
def test_assignments_are_read_as_json_or_text(text, expected):
    assert parse_assignment(text) == expected


def test_an_assignment_without_a_value_says_what_is_wanted():
    with pytest.raises(ValueError, match="key=value"):
        parse_assignment("lr")


def test_later_layers_win_and_sections_reach_into_tables():
    merged = merge(
        {"lr": 1, "memory_options": {"stack_size": 2}}, {"memory.stack_size": 8, "lr": 2}
    )
    assert merged == {"lr": 2, "memory_options": {"stack_size": 8}}


def test_settings_files_may_be_json_yaml_or_a_run_folders_config(tmp_path):
    (tmp_path / "a.json").write_text('{"lr": 0.1}')
    (tmp_path / "b.yaml").write_text("lr: 0.1\nmemory.stack_size: 3\n")
    (tmp_path / "config.json").write_text('{"settings": {"lr": 0.1}, "versions": {}}')
    assert read_settings_file(tmp_path / "a.json") == {"lr": 0.1}
    assert read_settings_file(tmp_path / "b.yaml") == {"lr": 0.1, "memory.stack_size": 3}
    assert read_settings_file(tmp_path / "config.json") == {"lr": 0.1}


@pytest.mark.parametrize("content", ["{broken", "[1, 2]", None])
def test_a_settings_file_that_is_none_is_refused_by_name(tmp_path, content):
    path = tmp_path / "c.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=r"c\.json"):
        read_settings_file(path)


def test_options_are_from_the_start_what_the_run_folder_will_give_back():
    options = {"sizes": (1, (2, 3)), "share": 0.1, "name": None}
    made = Settings(env="x", memory_options=options, network={"actor": (8,)})
    assert made.memory_options == {"sizes": [1, [2, 3]], "share": 0.1, "name": None}
    assert made.network == {"actor": [8]}
    assert Settings.from_dict(json.loads(json.dumps(made.as_dict()))) == made
    assert options["sizes"] == (1, (2, 3))


@pytest.mark.parametrize("value", [len, {1, 2}, b"x"], ids=repr)
@pytest.mark.parametrize("name", ["memory_options", "network"])
def test_options_that_the_run_folder_cannot_hold_are_refused_by_name(name, value):
    with pytest.raises(TypeError, match=rf"{name} must contain only what JSON can represent"):
        Settings(env="x", **{name: {"sizes": value}})


@pytest.mark.parametrize("number", ["1e-3", "1E-3", "1.e-3", "+.1e-2", "0.001", "1.0e-3"])
def test_numbers_with_an_exponent_are_numbers_in_yaml(tmp_path, number):
    path = tmp_path / "settings.yaml"
    path.write_text(f"lr: {number}\nmemory: gru\nsteps: 20_000\n")
    assert read_settings_file(path) == {"lr": 1e-3, "memory": "gru", "steps": 20_000}


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.yaml", "lr: 0.1\nlr: 0.2\n"), ("a.json", '{"lr": 0.1, "lr": 0.2}')],
)
def test_a_setting_that_a_file_gives_twice_is_refused(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=r"lr is given twice, as 0\.1 and as 0\.2: remove one"):
        read_settings_file(path)


def test_a_setting_that_is_assigned_twice_is_refused():
    assert parse_assignments(["lr=0.1", "env.k=3"]) == {"lr": 0.1, "env.k": 3}
    with pytest.raises(ValueError, match=r"lr is given twice, as 0\.1 and as 0\.2: remove one"):
        parse_assignments(["lr=0.1", "lr=0.2"])
