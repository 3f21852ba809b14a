"""Whatever the files of a policy contain, they are loaded or refused: quickly and in one line."""

import json
import resource
import time
import tracemalloc

import pytest
import torch

from popgym.memory import MEMORIES
from popgym.networks.embedding import EMBEDDINGS
from popgym.runs.policy import Policy, load_policy
from popgym.runs.policy_file import DESCRIPTION, LARGEST_DESCRIPTION, WEIGHTS
from popgym.runs.policy_size import LONGEST_HEADER, check_fits, shapes_of
from popgym.runs.snapshots import store
from popgym.runs.trust import UntrustedError
from tests.runs.hostile import PICTURE, damaged, write_bases
from tests.runs.specimens import NETWORK, policy

CASES = 300
QUICK = 5.0  # seconds of processor time


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    return write_bases(tmp_path_factory.mktemp("bases"))


def _most_memory():
    """The most bytes that this process has used so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def put(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)


def change(folder, **values):
    data = json.loads((folder / DESCRIPTION).read_text())
    for name, value in values.items():
        data[name] = {**data[name], **value} if isinstance(value, dict) else value
    (folder / DESCRIPTION).write_text(json.dumps(data))


@pytest.mark.parametrize("part", range(10))
def test_damage_of_any_kind_is_a_value_error_in_one_line(bases, tmp_path, part):
    for seed in range(part, CASES, 10):
        put(tmp_path, damaged(bases, seed))
        before = time.process_time()
        try:
            assert isinstance(load_policy(tmp_path), Policy), seed
        except ValueError as error:
            assert str(tmp_path) in str(error) and "\n" not in str(error), seed
            assert len(str(error)) < 3000, seed
        assert time.process_time() - before < QUICK, seed


def test_some_damage_is_harmless_and_most_is_not(bases, tmp_path):
    """Otherwise the test above would test nothing."""
    loaded = 0
    for seed in range(CASES, CASES + 60):
        put(tmp_path, damaged(bases, seed))
        try:
            loaded += isinstance(load_policy(tmp_path), Policy)
        except ValueError:
            continue
    assert 0 < loaded < 30


@pytest.mark.parametrize(
    ("memory", "options", "network"),
    [
        ("gru", {}, {"hidden_size": 20_000}),
        ("gru", {}, {"postprocessor": [30_000, 30_000]}),
        ("gru", {}, {"postprocessor": [1] * 3000}),
        ("gru", {"num_layers": 10**9}, {}),
        ("gru", {"num_layers": 10**5}, {}),
        ("lmu", {"memory_size": 10**5}, {}),
        ("gru", {}, {"embedding": "sine", "embedding_max_steps": 10**8}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_network_much_larger_than_its_weights_is_refused_before_it_is_built(
    tmp_path, memory, options, network
):
    policy(memory=memory).save(tmp_path)
    change(tmp_path, memory_options=options, network=network)
    time_before, memory_before = time.process_time(), _most_memory()
    with pytest.raises(
        UntrustedError, match=rf"{tmp_path}/policy.json describes a network .*--trust"
    ):
        load_policy(tmp_path)
    assert time.process_time() - time_before < QUICK
    assert _most_memory() - memory_before < 200 << 20


@pytest.mark.parametrize(
    "space",
    [
        {"kind": "Box", "shape": [10**5, 10**5], "dtype": "float32", "low": 0.0, "high": 1.0},
        {"kind": "Box", "shape": [3], "dtype": "U100000000", "low": "a", "high": "b"},
        {"kind": "MultiBinary", "n": [10**5, 10**5]},
        {"kind": "MultiBinary", "n": 10**10},
        {"kind": "MultiDiscrete", "dtype": "int64", "nvec": [10**9], "start": [0]},
        {"kind": "Discrete", "n": 10**6, "start": 0},
    ],
    ids=lambda space: f"{space['kind']} {space.get('dtype')}",
)
def test_a_space_much_larger_than_its_weights_is_refused_before_it_is_built(tmp_path, space):
    policy().save(tmp_path)
    for name in ("observation_space", "action_space"):
        data = json.loads((tmp_path / DESCRIPTION).read_text())
        (tmp_path / DESCRIPTION).write_text(json.dumps({**data, name: space}))
        tracemalloc.start()
        with pytest.raises(ValueError, match=r"is damaged \(ValueError: .*space"):
            load_policy(tmp_path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 10 << 20
        policy().save(tmp_path)


def test_files_that_are_too_long_are_refused_unread(tmp_path):
    policy().save(tmp_path)
    with (tmp_path / DESCRIPTION).open("r+b") as file:
        file.truncate(LARGEST_DESCRIPTION + 1)
    with pytest.raises(
        UntrustedError, match=r"policy.json has 4,194,305 bytes, and only 4,194,304"
    ):
        load_policy(tmp_path)
    policy().save(tmp_path)
    with (tmp_path / WEIGHTS).open("r+b") as file:
        file.truncate((1 << 30) + 1)  # a sparse file
    with pytest.raises(UntrustedError, match=r"weights.safetensors has 1,073,741,825 bytes"):
        load_policy(tmp_path)


def test_a_header_that_is_too_long_is_refused_unread(tmp_path):
    policy().save(tmp_path)
    content = (tmp_path / WEIGHTS).read_bytes()
    (tmp_path / WEIGHTS).write_bytes((LONGEST_HEADER + 1).to_bytes(8, "little") + content[8:])
    with pytest.raises(ValueError, match=r"damaged \(ValueError: the header .* at most 1,048,576"):
        load_policy(tmp_path)


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("layers", [{}, {"num_layers": 2, "residual": True, "feed_forward": 2}])
def test_the_shapes_of_every_memory_are_known_without_building_it(tmp_path, memory, layers):
    agent = policy(memory=memory)
    spec = type(agent.spec)(**{**vars(agent.spec), "memory_options": layers})
    built = spec.build()
    shapes = {name: tuple(tensor.shape) for name, tensor in built.state_dict().items()}
    check_fits(spec, shapes, tmp_path)
    first, *_ = shapes
    with pytest.raises(ValueError, match=f"the tensor {first} is .* in the network and"):
        check_fits(spec, {**shapes, first: (7, 7)}, tmp_path)


@pytest.mark.parametrize("network", [{"embedding": name} for name in EMBEDDINGS] + [
    {"encoder": "none"}, {"encoder": "small"}, {"encoder": "auto"},
], ids=str)  # fmt: skip
def test_policies_with_pictures_and_every_embedding_are_read_back(tmp_path, network):
    agent = policy(PICTURE, memory="mlp", network={**NETWORK, **network})
    agent.save(tmp_path)
    again = load_policy(tmp_path).net.state_dict()
    assert {name: tuple(t.shape) for name, t in again.items()} == shapes_of(tmp_path / WEIGHTS)
    for name, tensor in agent.net.state_dict().items():
        assert torch.equal(again[name], tensor), name


def test_trust_lifts_the_limits(tmp_path):
    network = {**NETWORK, "embedding": "sine", "embedding_max_steps": 400_000}
    policy(network=network).save(tmp_path)
    with pytest.raises(UntrustedError, match="describes a network that needs much more memory"):
        load_policy(tmp_path)
    assert load_policy(tmp_path, trust=True).act(1)


def test_a_policy_of_ones_own_run_may_need_more_than_its_weights(tmp_path):
    network = {**NETWORK, "embedding": "sine", "embedding_max_steps": 400_000}
    store(policy(network=network), tmp_path / "policy")
    assert load_policy(tmp_path / "policy").act(1)
    change(tmp_path / "policy", network={"embedding_max_steps": 500_000})
    with pytest.raises(UntrustedError, match="describes a network that needs much more memory"):
        load_policy(tmp_path / "policy")
