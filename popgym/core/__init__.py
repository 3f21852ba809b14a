"""The environment contract: rules compiled to a kernel, and the two faces of a task."""

from popgym.core.env import POPGymEnv
from popgym.core.family import Family
from popgym.core.kernel import Rules
from popgym.core.rules import rule
from popgym.core.vector import POPGymVectorEnv

__all__ = ["Family", "POPGymEnv", "POPGymVectorEnv", "Rules", "rule"]
