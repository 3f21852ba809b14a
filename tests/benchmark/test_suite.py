import pytest

from popgym.benchmark.suite import expand_tasks, suite_of
from popgym.benchmark.suite_file import read_suite, shipped_suites

SMALL = {"tasks": ["RepeatPreviousEasy"], "memories": ["gru"]}


def test_a_suite_says_tasks_contestants_seeds_and_settings():
    suite = suite_of(
        {
            "tasks": ["RepeatFirstEasy", "DIAGNOSTIC_MEDIUM"],
            "memories": ["gru", "wide"],
            "seeds": [3, 5],
            "steps": 1e5,
            "settings": {"network.hidden_size": 64},
            "contestants": {"wide": {"memory": "frameconv", "settings": {"memory.stack_size": 33}}},
            "overrides": [
                {"memories": ["gru"], "tasks": ["RepeatFirstEasy"], "settings": {"lr": 5e-4}}
            ],
        }
    )
    assert suite.tasks[:2] == ("RepeatFirstEasy", "RepeatPreviousMedium")
    assert len(suite.tasks) == 5
    assert suite.seeds == (3, 5)
    gru, wide = suite.contestants
    first = suite.settings_of("RepeatFirstEasy", gru, 3)
    assert (first.lr, first.seed, first.steps, first.threads) == (5e-4, 3, 100_000, 1)
    assert first.network == {"hidden_size": 64}
    other = suite.settings_of("RepeatPreviousMedium", wide, 5)
    assert (other.memory, other.memory_options) == ("frameconv", {"stack_size": 33})
    assert other.lr != 5e-4


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"taks": []}, "unknown key of a suite 'taks'; did you mean 'tasks'"),
        ({"tasks": ["RepeatPrevoiusEasy"]}, "did you mean RepeatPreviousEasy"),
        ({"tasks": ["RepeatFirstEasy", "DIAGNOSTIC_EASY"]}, "RepeatFirstEasy is given twice"),
        ({"tasks": []}, "tasks is empty"),
        ({"memories": ["gruu"]}, "did you mean 'gru'"),
        ({"memories": ["gru", "gru"]}, "memory gru is given twice"),
        ({"memories": []}, "name at least one memory"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"seeds": [1, 1]}, "a seed is given twice"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"settings": {"learning_rate": 1}}, "unknown setting 'learning_rate'"),
        ({"settings": {"seed": 1}}, "settings must not contain seed"),
        ({"overrides": [{"memories": ["lru"]}]}, "unknown memory of an override 'lru'"),
        (
            {"memories": ["a/"], "contestants": {"a/": {"memory": "gru"}}},
            "must consist of letters",
        ),
        (
            {"memories": ["a"], "contestants": {"a": {"memori": "gru"}}},
            "unknown key of contestant a",
        ),
        ({"overrides": [{"tasks": ["RepeatPreviousEazy"]}]}, "unknown task of an override"),
        ({"memories": ["m:GRU", "n:GRU"]}, "a memory is given twice|would share the folder GRU"),
        ({"tasks": ["CartPole-v1", "a:CartPole-v1"]}, "would share the folder CartPole-v1"),
        ({"fair": {"lr": [-0.001]}}, "lr must be at least 0"),
        ({"seeds": [0, -1]}, "seed must be at least 0"),
        (
            {"fair": {"parameters": 10}, "settings": {"network.hidden_size": 8}},
            "parameters of fair choose the width of gru",
        ),
        ({"fair": {"lr": [1e-3], "seeds": [0]}}, "must not be seeds of the suite"),
        ({"fair": {"parameters": 0}}, "parameters of fair must be a whole number"),
    ],
)
def test_a_mistake_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        suite_of({**SMALL, **wrong})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tasks": "RepeatPreviousEasy"}, "tasks must be a list of names"),
        ({"seeds": "3"}, "seeds must be a whole number or a list"),
        ({"settings": {"lr": "fast"}}, "lr must be float"),
        ({"fair": {"lr": "fast"}}, "lr of fair must be a list of numbers"),
    ],
)
def test_a_wrong_type_is_named(wrong, message):
    with pytest.raises(TypeError, match=message):
        suite_of({**SMALL, **wrong})


@pytest.mark.parametrize("name", shipped_suites())
def test_shipped_suites_are_right(name):
    suite = suite_of(read_suite(name))
    assert suite.tasks and suite.contestants and suite.seeds


def test_an_unknown_suite_is_named():
    with pytest.raises(ValueError, match="did you mean 'smoke'"):
        read_suite("smok")


def test_a_suite_file_is_read_and_its_mistakes_are_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('tasks = ["CartPole-v1"]\nmemories = ["gru"]\n')
    assert suite_of(read_suite(str(path))).tasks == ("CartPole-v1",)
    path.write_text("tasks = [")
    with pytest.raises(ValueError, match=r"cannot read the suite .*mine\.toml"):
        read_suite(str(path))


def test_all_tasks_are_48_environments():
    assert len(list(expand_tasks(["ALL"]))) == 48
