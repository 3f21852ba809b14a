"""A policy built by hand, for which it can be computed what it loses with its memory."""

import torch
from gymnasium.spaces import Discrete

from popgym.runs.policy import Policy
from popgym.runs.policy_spec import PolicySpec

SUITS = Discrete(4)
K = 4  # in RepeatPreviousEasy the card to name was shown K - 1 steps before
NETWORK = {
    "preprocessor_input_size": 8, "preprocessor_output_size": 8, "hidden_size": 4,
    "actor": [], "critic": [], "postprocessor_output_size": 4,
}  # fmt: skip


def perfect():
    """A policy for RepeatPreviousEasy with a memory of exactly 3 steps, which earns 1.

    The feature map turns suit s into the vector (e, −e), with e zero but for e[s]. The LayerNorm
    doubles it. The convolution takes the oldest of its four inputs; where that was cleared, all
    logits are 0, and the action is suit 0.
    """
    spec = PolicySpec(
        SUITS, SUITS, "frameconv",
        {"stack_size": K}, NETWORK, previous_action=False, start_flag=False,
    )  # fmt: skip
    net, one = spec.build(), torch.eye(4)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
        net.feature_map[0].weight.copy_(torch.cat([one, -one]))
        net.core.conv.weight[:, :4, 0] = one
        net.actor_head.weight.copy_(one)
    return Policy(spec, net)
