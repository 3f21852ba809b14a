"""Wrappers of single environments and of vector environments.

Here belong the classes that change what an agent observes or how it acts, each in a form for a
single environment and one for a vector environment. It may import ``popgym.core``,
``popgym.render`` and ``popgym.spaces``; neither torch nor Ray.
"""

from popgym.wrappers.antialias import Antialias, VectorAntialias
from popgym.wrappers.discrete_action import DiscreteAction, VectorDiscreteAction
from popgym.wrappers.flatten import Flatten, VectorFlatten
from popgym.wrappers.markovian import Markovian, VectorMarkovian
from popgym.wrappers.previous_action import PreviousAction, VectorPreviousAction

__all__ = [
    "Antialias",
    "DiscreteAction",
    "Flatten",
    "Markovian",
    "PreviousAction",
    "VectorAntialias",
    "VectorDiscreteAction",
    "VectorFlatten",
    "VectorMarkovian",
    "VectorPreviousAction",
]
