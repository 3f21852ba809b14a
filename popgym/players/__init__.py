"""Scripted players: lower and upper bounds of every environment, to measure and to watch."""

from popgym.players.measure import play_episodes
from popgym.players.player import Player
from popgym.players.registry import PLAYERS, find_player, make_player, players_of

__all__ = ["PLAYERS", "Player", "find_player", "make_player", "play_episodes", "players_of"]
