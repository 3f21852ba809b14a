"""Wrappers of environments, for one and for many."""

from popgym.wrappers.antialias import Antialias, VectorAntialias
from popgym.wrappers.previous_action import PreviousAction, VectorPreviousAction

__all__ = ["Antialias", "PreviousAction", "VectorAntialias", "VectorPreviousAction"]
