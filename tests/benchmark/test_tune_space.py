import json
import math

import numpy as np
import pytest

from popgym.benchmark.tuning.dimension import Choice, Range, dimension_of, keys_of, parse_search
from popgym.benchmark.tuning.request import Request
from popgym.benchmark.tuning.spaces import COMMON, MEMORIES, default_space
from popgym.memory import make_memory
from popgym.memory.registry import MEMORIES as KNOWN
from popgym.memory.registry import find_memory, memory_options
from popgym.runs.settings import NETWORK, Settings


def drawn(dimension, count=2000):
    rng = np.random.default_rng(0)
    return [dimension.draw(rng) for _ in range(count)]


def test_a_range_is_drawn_log_uniformly():
    values = drawn(dimension_of("lr", "1e-4..1e-2"))
    assert min(values) >= 1e-4 and max(values) <= 1e-2
    below = sum(value < 1e-3 for value in values) / len(values)  # the middle of the logarithms
    assert below == pytest.approx(0.5, abs=0.04)
    assert all(value == float(f"{value:.3g}") for value in values)


def test_a_range_between_whole_numbers_has_all_of_them_and_no_others():
    values = drawn(dimension_of("memory.stack_size", "2..5"))
    assert set(values) == {2, 3, 4, 5}
    # k has the share log((k + 1) / k) / log(6 / 2)
    assert values.count(2) / len(values) == pytest.approx(math.log(1.5) / math.log(3), abs=0.04)
    assert not dimension_of("lr", "1..2.0").is_whole


def test_values_are_drawn_alike_and_joined_settings_together():
    values = drawn(dimension_of("rollout:num_envs", "16:64,32:32"))
    assert values.count([16, 64]) / len(values) == pytest.approx(0.5, abs=0.04)
    assert [16, 32] not in values and [32, 64] not in values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.8,0.9", (0.8, 0.9)), ("true,false", (True, False)), ("sum,max", ("sum", "max")),
        ("[64],[64, 64]", ([64], [64, 64])), ("null, 64", (None, 64)),
    ],
)  # fmt: skip
def test_values_are_read_as_set_reads_them(text, values):
    assert dimension_of("key", text) == Choice(values)


@pytest.mark.parametrize("name", ["lr", "rollout:num_envs", "gae_lambda"])
def test_a_dimension_is_read_back_from_json(name):
    dimension = COMMON[name]
    assert dimension_of(name, json.loads(json.dumps(dimension.data))) == dimension


@pytest.mark.parametrize(
    ("name", "what", "message"),
    [
        ("lr", "3e-3..1e-4", "goes from 0.003 to 0.0001: its low end must be below its high end"),
        ("lr", "1e-3..1e-3", "its low end must be below its high end"),
        ("lr", "0..1e-3", "begins at 0, but a range is drawn on a logarithmic scale"),
        ("lr", "-1..1", "begins at -1"),
        ("lr", "1e-4..fast", r"has no number 'fast' in '1e-4..fast': name a range, LOW..HIGH"),
        ("lr", "1e-4..true", "has no number 'true'"),
        ("lr", "1e-4", "has 1 values: it needs at least two; --set fixes one"),
        ("lr", [], "has 0 values"),
        ("lr", 3, r"the search of lr cannot be 3: name a range, LOW..HIGH"),
        ("rollout:num_envs", "32,64", r"needs 2 values for each trial, such as 1:1, got \[32\]"),
        ("rollout:num_envs", "32..64", "are drawn together and need values"),
    ],
)
def test_what_is_no_dimension_is_refused(name, what, message):
    with pytest.raises(ValueError, match=message):
        dimension_of(name, what)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["lr"], "--search takes KEY=WHAT, such as lr=1e-4..3e-3, got 'lr'"),
        (["lr="], "got 'lr='"),
        (["=1..2"], "got '=1..2'"),
        (["lr=1..2", "lr=1..3"], "--search has lr twice, 1..2 and 1..3: remove one"),
    ],
)
def test_flags_that_are_no_dimension_are_refused(texts, message):
    with pytest.raises(ValueError, match=message):
        parse_search(texts)


def test_every_memory_has_its_row_and_only_options_of_its_own():
    assert MEMORIES.keys() == KNOWN.keys()
    for memory, space in MEMORIES.items():
        names = {name.removeprefix("memory.") for name in space}
        assert names <= memory_options(find_memory(memory)).keys(), memory


def contains(dimension, value):
    if isinstance(dimension, Range):
        return dimension.low <= value <= dimension.high
    return value in dimension.values


def test_the_default_of_each_setting_is_searched_too():
    resolved = Settings("RepeatPreviousEasy").resolved()
    for name, dimension in COMMON.items():
        keys = keys_of(name)
        values = [NETWORK["hidden_size"] if "." in k else getattr(resolved, k) for k in keys]
        assert contains(dimension, values if len(keys) > 1 else values[0]), name
    for memory, space in MEMORIES.items():
        options = memory_options(find_memory(memory))
        for name, dimension in space.items():
            default = options[name.removeprefix("memory.")]
            if default is not None:  # it depends on the width
                assert contains(dimension, default), (memory, name)


@pytest.mark.parametrize("memory", KNOWN)
def test_every_value_of_the_table_makes_the_memory(memory):
    for name, dimension in MEMORIES[memory].items():
        for value in dimension.probes:
            for width in COMMON["network.hidden_size"].probes:
                make_memory(memory, 8, width, **{name.removeprefix("memory."): value})


def test_the_users_own_memory_is_searched_as_all_are():
    assert default_space("my_module:MyMemory") == COMMON


def test_what_a_trial_gets_depends_only_on_the_seed_and_its_number():
    first = Request.of("RepeatPreviousEasy", "lru", trials=3)
    more = Request.of("RepeatPreviousEasy", "lru", trials=30)
    assert [first.settings_of(n) for n in range(3)] == [more.settings_of(n) for n in range(3)]
    assert first.settings_of(1) != first.settings_of(2)
    other = Request.of("RepeatPreviousEasy", "lru", seed=1)
    assert other.settings_of(1).lr != first.settings_of(1).lr
    assert other.settings_of(1).seed == 1


def test_the_first_trial_has_the_defaults_except_where_the_user_searches():
    request = Request.of("RepeatPreviousEasy", "lru", search={"gae_lambda": [0.5, 0.6]})
    first, second = request.settings_of(0), request.settings_of(1)
    assert (first.lr, first.memory_options, first.network) == (Settings.lr, {}, {})
    assert first.gae_lambda in (0.5, 0.6)
    assert set(second.memory_options) == {"r_min", "state_size", "num_layers"}
    assert second.threads == 1


def test_a_users_dimension_replaces_all_that_have_its_settings():
    request = Request.of("RepeatPreviousEasy", "gru", search={"rollout": "16,32", "epochs": "1..5"})
    assert "rollout:num_envs" not in request.space
    assert {"rollout", "epochs", "lr"} <= request.space.keys()
    assert "num_envs" not in request.keys


def test_what_is_fixed_is_not_searched():
    given = {"num_envs": 8, "memory_options": {"num_layers": 1}, "network.hidden_size": 16}
    request = Request.of("RepeatPreviousEasy", "gru", settings=given)
    assert not {"rollout:num_envs", "memory.num_layers", "network.hidden_size"} & set(request.space)
    settings = request.settings_of(1)
    assert (settings.num_envs, settings.network) == (8, {"hidden_size": 16})


def test_a_search_is_read_back_from_json():
    request = Request.of(
        "RepeatPreviousEasy", "lru", settings={"network.actor": [8]}, search={"lr": "1e-4..2e-4"}
    )
    assert Request.from_data(json.loads(json.dumps(request.as_data()))) == request


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"env": "RepeatPrevoiusEasy"}, "did you mean RepeatPreviousEasy"),
        ({"memory": "framconv"}, "no memory is called 'framconv'; did you mean 'frameconv'"),
        ({"trials": 0}, "trials must be a whole number at least 1, got 0"),
        ({"trials": 2.5}, "trials must be a whole number at least 1, got 2.5"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"search": {"gae_lamda": "0.8,0.9"}}, "unknown setting 'gae_lamda'; .*'gae_lambda'"),
        ({"search": {"memory.stak_size": "2..8"}}, "'stak_size'; did you mean 'stack_size'"),
        ({"search": {"network.hiden_size": "8..16"}}, "'hiden_size'; did you mean 'hidden_size'"),
        ({"search": {"lr": "1..20"}}, "lr must be at least 0 and at most 10, got 20"),
        ({"search": {"env.k": "2..8"}}, "env.k cannot be searched"),
        ({"search": {"seed": "1,2"}}, "seed cannot be searched"),
        ({"search": {"network": [{}, {}]}}, "network is a table: search its entries, such as"),
        ({"search": {"lr": "1..2", "epochs:lr": "1:1,2:2"}}, "lr is searched twice, by lr and"),
        ({"search": {"lr": "1..2"}, "settings": {"lr": 1}}, "lr is given twice"),
        ({"settings": {"steps": 5}}, "steps is an argument of its own: give it as --steps"),
        ({"settings": {"runners": 2}}, "runners must be 0 in a search"),
        ({"settings": {"epocs": 2}}, "unknown setting 'epocs'"),
    ],
)
def test_a_search_that_cannot_be_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Request.of(**{"env": "RepeatPreviousEasy", "memory": "frameconv", **given})


def test_a_value_of_the_wrong_type_is_refused():
    with pytest.raises(TypeError, match="rollout must be int or null, got 'long'"):
        Request.of("RepeatPreviousEasy", "gru", search={"rollout": "long,short"})


def test_a_search_of_nothing_is_refused():
    fixed = {key: None for name in COMMON for key in keys_of(name)}
    with pytest.raises(ValueError, match="all that could be searched is fixed with --set"):
        Request.of("RepeatPreviousEasy", "mlp", settings=fixed)
