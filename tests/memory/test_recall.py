"""Memories learn to tell what they saw first, long before; without one it can but be guessed."""

import pytest
import torch
from torch.nn import functional

from popgym.memory import make_memory

STEPS = 60


def batch(rows, steps, noise):
    """Inputs [rows, STEPS, 6], and the first of the cards that they show, of four.

    Args:
        rows: how many.
        noise: how often a later step shows a card too, which is to be ignored.
    """
    cards = functional.one_hot(torch.randint(0, 4, (rows, steps)), 4).float()
    cards[:, 1:] *= (torch.rand(rows, steps - 1, 1) < noise).float()
    first = torch.zeros(rows, steps, 2)
    first[:, 0, 0] = first[:, 1:, 1] = 1
    return torch.cat([cards, first], 2), cards[:, 0].argmax(-1)


def accuracy_after_training(name, steps, noise, updates=500, rate=0.01, width=32, **options):
    torch.manual_seed(5)
    memory, head = make_memory(name, 6, width, **options), torch.nn.Linear(width, 4)
    optimizer = torch.optim.Adam([*memory.parameters(), *head.parameters()], lr=rate)

    def logits(x):
        return head(memory(x, memory.initial_state(len(x)))[0][:, -1])

    for _ in range(updates):
        x, shown = batch(32, steps, noise)
        optimizer.zero_grad()
        functional.cross_entropy(logits(x), shown).backward()
        optimizer.step()
    with torch.no_grad():
        x, shown = batch(1000, steps, noise)
        return (logits(x).argmax(-1) == shown).float().mean()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, steps, options",
    [
        ("tcn", 60, {"rate": 0.003}),
        ("ffm", 20, {}),
        ("mingru", 20, {"rate": 0.03}),
        ("minlstm", 20, {"rate": 0.03}),
        # whose keys have the square root of the width
        ("linear_attention", 60, {"rate": 0.003, "updates": 300, "width": 256}),
        ("fwp", 60, {"rate": 0.003, "updates": 300, "width": 256}),
    ],
)
def test_it_learns_to_recall_the_first_of_many_cards(name, steps, options):
    assert accuracy_after_training(name, steps, noise=1.0, **options) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lru", "s5", "s4d"])
def test_linear_states_learn_to_recall_a_card_after_which_none_is_shown(name):
    """What they keep cannot depend on what is shown: others would add to it."""
    assert accuracy_after_training(name, 60, noise=0.0, rate=0.003) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_without_a_memory_it_cannot_be_told(noise):
    assert accuracy_after_training("mlp", 20, noise) < 0.35
