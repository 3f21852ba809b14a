"""Environments played by people, and shown as animations."""

from popgym.play.game import Game
from popgym.play.gif import Gif, make_gif
from popgym.play.references import references
from popgym.play.sitting import play

__all__ = ["Game", "Gif", "make_gif", "play", "references"]
