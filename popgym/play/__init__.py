"""Environments played by people, and shown as animations."""

from popgym.play.game import Game
from popgym.play.references import references
from popgym.play.sitting import play

__all__ = ["Game", "play", "references"]
