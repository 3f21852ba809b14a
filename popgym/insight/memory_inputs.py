"""The inputs that a network's memory, and the layers in it, get in recorded episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from popgym.insight.recording import Episode
from popgym.memory.base import Memory
from popgym.memory.stack import Layers
from popgym.networks.actor_critic import ActorCritic
from popgym.runs.policy import Policy


@torch.no_grad()
def memory_inputs(net: ActorCritic, episode: Episode) -> Tensor:
    """Return the features z that a network computes for the T steps of an episode, [T, F]."""
    return net.features(episode.tensors(), torch.arange(episode.steps)[None])[0]


def layers(memory: Memory) -> list[Any]:
    """Return the memories within ``popgym.memory.stack.Layers``; none for any other memory."""
    return [*memory.memories] if isinstance(memory, Layers) else []


@torch.no_grad()
def parts(net: ActorCritic, episodes: Sequence[Episode]) -> list[tuple[Memory, list[Tensor]]]:
    """Return the memory and its layers, each with its inputs [T, F] in the episodes."""
    inputs = [memory_inputs(net, episode) for episode in episodes]
    inner = layers(net.core)
    seen: list[list[Tensor]] = [[] for _ in inner]
    hooks = [
        layer.register_forward_pre_hook(lambda _, given, i=i: seen[i].append(given[0][0]))
        for i, layer in enumerate(inner)
    ]
    try:
        for x in inputs if inner else []:
            net.core(x[None], net.core.initial_state(1))
    finally:
        for hook in hooks:
            hook.remove()
    return [(net.core, inputs), *zip(inner, seen, strict=True)]


def untrained(policy: Policy, seed: int) -> ActorCritic:
    """Return a policy's network before training, but with its normalisation of observations.

    The normalisation adapts within the first updates, long before the weights are trained.

    Args:
        policy: The policy.
        seed: The seed of the weights, as that of the run.
    """
    net = policy.spec.build(seed).eval()
    weights = policy.net.state_dict().items()
    statistics = {name: each for name, each in weights if name.startswith("inputs.normaliser.")}
    net.load_state_dict(statistics, strict=False)
    return net
