import pytest

from popgym.runs.settings import Settings
from popgym.runs.title import title_of


def title(**settings):
    return title_of(Settings(**{"env": "RepeatPreviousEasy", **settings}).resolved())


def test_a_run_with_default_settings_has_no_second_line():
    assert title() == "RepeatPreviousEasy · frameconv · seed 0"
    assert title(rollout=64, kl_cutoff=0.02) == title(), "defaults of some tasks"
    assert title(steps=5, runners=2, eval_every=1, num_envs=32) == title()


def test_options_stand_with_what_they_belong_to():
    first = title(env_options={"k": 6}, memory="gru", memory_options={"num_layers": 2}, seed=3)
    assert first == "RepeatPreviousEasy (k=6) · gru (num_layers=2) · seed 3"


@pytest.mark.parametrize(
    ("settings", "second"),
    [
        ({"lr": 0.01, "num_envs": 8}, "num_envs=8, lr=0.01"),
        ({"rollout": 128}, "rollout=128"),
        ({"minibatch_size": 512}, "minibatch_size=512"),
        ({"network": {"hidden_size": 64}}, "network.hidden_size=64"),
        ({"wrappers": ["Flatten"]}, "wrappers=['Flatten']"),
        ({"kl_cutoff": 0.5}, "kl_cutoff=0.5"),
    ],
)
def test_other_settings_stand_in_a_second_line(settings, second):
    assert title(**settings) == f"{title()}\n{second}"


def test_a_long_title_is_cut_between_words():
    lines = title(env_options={f"option_{i}": i for i in range(20)}, lr=0.01).split("\n")
    assert len(lines) == 2
    assert lines[0].endswith(" …") and len(lines[0]) <= 100
