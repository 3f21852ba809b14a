"""Networks around a memory: the policy network, the actor-critic, and their parts.

Here belong the layers before and after a memory, the embedding of time and the action
distributions. None of these is a memory. It may import ``popgym.memory`` and
``popgym.core.arguments``, but neither Gymnasium nor Ray.
"""

from popgym.networks.actor_critic import ActorCritic, ActorCriticState
from popgym.networks.embedding import make_embedding
from popgym.networks.policy_network import NetworkOptions, PolicyNetwork

__all__ = ["ActorCritic", "ActorCriticState", "NetworkOptions", "PolicyNetwork", "make_embedding"]
