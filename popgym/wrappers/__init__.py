"""Wrappers of environments, for one and for many."""

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
