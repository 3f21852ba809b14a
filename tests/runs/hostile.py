"""Policies with damage of every kind, as an attacker or a bad disk would make it."""

import json
import math
import random
import struct

import numpy as np
from gymnasium import spaces

from popgym.memory import MEMORIES
from popgym.memory.registry import find_memory, memory_options
from popgym.networks.embedding import EMBEDDINGS
from popgym.networks.options import NetworkOptions
from tests.runs.specimens import NETWORK, policy

DESCRIPTION, WEIGHTS = "policy.json", "weights.safetensors"
PICTURE = spaces.Dict(
    a=spaces.Box(0, 255, (7, 7, 3), np.uint8), b=spaces.Box(-1, 1, (2, 2)), c=spaces.MultiBinary(3)
)
ACTIONS = [spaces.Discrete(5, start=-2), spaces.MultiDiscrete([2, 3]), spaces.Box(-1, 1, (2,))]
BASES = [
    dict(memory="gru"),
    dict(memory="frameconv", observation_space=PICTURE, action_space=ACTIONS[1]),
    dict(memory="s5", action_space=ACTIONS[2], network={**NETWORK, "embedding": "sine"}),
    dict(memory="lmu", action_space=ACTIONS[0], network={**NETWORK, "embedding": "learned"}),
    dict(
        memory="xlstm",
        observation_space=spaces.Tuple([spaces.Discrete(3), spaces.MultiDiscrete([[2, 3]])]),
    ),
]
HUGE = [20_000, 10**6, 10**9, 2**31, 2**63, 2**64 + 1, 10**30, 10**400]
ODD = [
    -1, 0, 1, 2, 3, 1.5, -0.5, 1e308, math.nan, math.inf, True, None, "", "inf", "none", "../../x",
    "os:system", "no_such_module:Class", ":", "é" * 50, "x" * 100_000, [], {}, [[]], [None],
    [30_000, 30_000], [1] * 5000, [10**9], [[[2]]], {"kind": "Dict", "spaces": []},
    {"kind": "Tuple", "spaces": {}}, {"kind": "Box"}, {"kind": "Discrete", "n": 10**12, "start": 0},
    {"kind": "MultiBinary", "n": [100_000, 100_000]}, "V1000000000", "O", ">f8", "f2", "longdouble",
]  # fmt: skip


def write_bases(folder):
    """Writes the policies that are damaged later; returns their files."""
    found = []
    for index, base in enumerate(BASES):
        path = folder / f"base{index}"
        path.mkdir()
        policy(**base).save(path)
        found.append({name: (path / name).read_bytes() for name in (DESCRIPTION, WEIGHTS)})
    return found


def damaged(bases, seed):
    """The two files of a policy with one to three kinds of damage."""
    rng = random.Random(seed)
    files = dict(rng.choice(bases))
    for _ in range(rng.choice([1, 1, 2, 3])):
        if rng.random() < 0.7:
            files[DESCRIPTION] = _damage_description(files[DESCRIPTION], rng)
        else:
            files[WEIGHTS] = _damage_weights(files[WEIGHTS], rng)
    return files


def _damage_description(content, rng):
    if rng.random() < 0.08:
        return _damage_bytes(content, rng)
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return _damage_bytes(content, rng)
    if not isinstance(data, dict) or not data:
        return content
    kind = rng.choice([_replace, _replace, _replace, _remove, _option, _layer, _nest])
    return kind(data, rng)


def _dump(data):
    return json.dumps(data).encode()


def _places(data):
    """All (container, key) pairs."""
    found, waiting = [], [data]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        for key in keys:
            found.append((node, key))
            if isinstance(node[key], (dict, list)):
                waiting.append(node[key])
    return found


def _value(before, rng):
    if isinstance(before, (int, float)) and not isinstance(before, bool) and rng.random() < 0.5:
        return rng.choice([before + 1, before - 1, before * 2, before * 1000, -before, *HUGE])
    return rng.choice([*ODD, *HUGE])


def _replace(data, rng):
    node, key = rng.choice(_places(data))
    node[key] = _value(node[key], rng)
    return _dump(data)


def _remove(data, rng):
    node, key = rng.choice(_places(data))
    del node[key]
    return _dump(data)


def _option(data, rng):
    """Another memory, or an option of the memory with a value that it should not have."""
    if rng.random() < 0.3:
        data["memory"] = rng.choice(list(MEMORIES))
    memory = data.get("memory")
    if not isinstance(memory, str) or memory not in MEMORIES:
        return _dump(data)
    options = memory_options(find_memory(memory))
    data["memory_options"] = {rng.choice(list(options)): rng.choice([*HUGE, *ODD])}
    return _dump(data)


def _layer(data, rng):
    if not isinstance(data.get("network"), dict):
        return _dump(data)
    name = rng.choice(list(NetworkOptions.__dataclass_fields__))
    data["network"][name] = rng.choice([*HUGE, *ODD, *EMBEDDINGS, 300, 1000])
    if rng.random() < 0.3:
        data["network"]["embedding_max_steps"] = rng.choice(HUGE)
    return _dump(data)


def _nest(data, rng):
    """Nested so deeply that a recursion ends."""
    depth = rng.choice([50, 500, 5000, 100_000])
    opening, closing = rng.choice(
        [("[", "]"), ('{"a":', "}"), ('{"kind":"Tuple","spaces":[', "]}")]
    )
    node, key = rng.choice(_places(data))
    node[key] = "@"
    inner = (opening * depth + "0" + closing * depth).encode()
    return _dump(data).replace(b'"@"', inner, 1)


def _damage_bytes(content, rng):
    content = bytearray(content)
    kind = rng.randrange(4)
    if kind == 0:
        del content[rng.randrange(len(content) + 1) :]
    elif kind == 1 and content:
        for _ in range(rng.randrange(1, 6)):
            content[rng.randrange(len(content))] = rng.randrange(256)
    elif kind == 2:
        content += rng.randbytes(rng.randrange(1, 50))
    else:
        place = rng.randrange(len(content) + 1)
        content[place:place] = rng.randbytes(rng.randrange(1, 9))
    return bytes(content)


def _damage_weights(content, rng):
    kind = rng.randrange(4)
    if kind == 0 or len(content) < 8:
        return _damage_bytes(content, rng)
    length = struct.unpack("<Q", content[:8])[0]
    if kind == 1:
        other = rng.choice([0, 1, length - 1, length + 1, 2**20, 2**31, 2**63, 2**64 - 1])
        return struct.pack("<Q", min(max(0, other), 2**64 - 1)) + content[8:]
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, OverflowError, RecursionError):
        return _damage_bytes(content, rng)
    if kind == 2 or not isinstance(header, dict) or not header:  # bytes of the header alone
        text, rest = bytearray(content[8 : 8 + length]), content[8 + length :]
        if text:
            text[rng.randrange(len(text))] = rng.randrange(256)
        return content[:8] + bytes(text) + rest
    text = _damage_description(_dump(header), rng)
    return struct.pack("<Q", len(text)) + text + content[8 + length :]
