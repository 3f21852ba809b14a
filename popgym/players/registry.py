"""The players of every family by name, and functions to create one."""

from typing import Any

from popgym.core.arguments import unknown
from popgym.core.env import POPGymEnv
from popgym.core.family import Family
from popgym.envs.autoencode import AutoencodeFamily
from popgym.envs.battleship import BattleshipFamily
from popgym.envs.concentration import ConcentrationFamily
from popgym.envs.count_recall import CountRecallFamily
from popgym.envs.higher_lower import HigherLowerFamily
from popgym.envs.labyrinth_escape import LabyrinthEscapeFamily
from popgym.envs.labyrinth_explore import LabyrinthExploreFamily
from popgym.envs.minesweeper import MineSweeperFamily
from popgym.envs.multiarmed_bandit import MultiarmedBanditFamily
from popgym.envs.noisy_position_only_cartpole import NoisyPositionOnlyCartPoleFamily
from popgym.envs.noisy_position_only_pendulum import NoisyPositionOnlyPendulumFamily
from popgym.envs.position_only_cartpole import PositionOnlyCartPoleFamily
from popgym.envs.position_only_pendulum import PositionOnlyPendulumFamily
from popgym.envs.registry import FAMILIES, find
from popgym.envs.repeat_first import RepeatFirstFamily
from popgym.envs.repeat_previous import RepeatPreviousFamily
from popgym.envs.velocity_only_cartpole import VelocityOnlyCartPoleFamily
from popgym.players import cartpole, pendulum, repeat
from popgym.players.battleship import BattleshipScripted
from popgym.players.concentration import ConcentrationPerfect
from popgym.players.count_recall import CountRecallClock, CountRecallPerfect
from popgym.players.higher_lower import HigherLowerMemoryless, HigherLowerPerfect
from popgym.players.labyrinth import EscapeMapper, ExploreMapper
from popgym.players.minesweeper import MineSweeperScripted
from popgym.players.multiarmed_bandit import (
    BestArm,
    GittinsIndex,
    ThompsonSampling,
    WinStayLoseShift,
)
from popgym.players.player import Player
from popgym.players.random import Random

SCRIPTED: dict[type[Family], dict[str, type[Player]]] = {
    RepeatPreviousFamily: {
        "memoryless": repeat.RepeatPreviousMemoryless,
        "perfect": repeat.RepeatPreviousPerfect,
    },
    RepeatFirstFamily: {
        "memoryless": repeat.RepeatFirstMemoryless,
        "perfect": repeat.RepeatFirstPerfect,
    },
    AutoencodeFamily: {
        "memoryless": repeat.AutoencodeMemoryless,
        "perfect": repeat.AutoencodePerfect,
    },
    CountRecallFamily: {"clock": CountRecallClock, "perfect": CountRecallPerfect},
    HigherLowerFamily: {"memoryless": HigherLowerMemoryless, "perfect": HigherLowerPerfect},
    ConcentrationFamily: {"perfect": ConcentrationPerfect},
    MultiarmedBanditFamily: {
        "win-stay lose-shift": WinStayLoseShift,
        "Thompson sampling": ThompsonSampling,
        "scripted": GittinsIndex,
        "oracle": BestArm,
    },
    MineSweeperFamily: {"scripted": MineSweeperScripted},
    BattleshipFamily: {"scripted": BattleshipScripted},
    LabyrinthEscapeFamily: {"scripted": EscapeMapper},
    LabyrinthExploreFamily: {"scripted": ExploreMapper},
    PositionOnlyCartPoleFamily: {
        "memoryless": cartpole.LeanMemoryless,
        "perfect": cartpole.CartPoleKalman,
    },
    VelocityOnlyCartPoleFamily: {
        "memoryless": cartpole.SpeedMemoryless,
        "perfect": cartpole.CartPoleKalman,
    },
    NoisyPositionOnlyCartPoleFamily: {
        "memoryless": cartpole.LeanMemoryless,
        "scripted": cartpole.CartPoleKalman,
        "oracle": cartpole.CartPoleOracle,
    },
    PositionOnlyPendulumFamily: {
        "memoryless": pendulum.PendulumMemoryless,
        "scripted": pendulum.PendulumFilter,
        "oracle": pendulum.PendulumOracle,
    },
    NoisyPositionOnlyPendulumFamily: {
        "memoryless": pendulum.PendulumMemoryless,
        "scripted": pendulum.PendulumFilter,
        "oracle": pendulum.PendulumOracle,
    },
}
"""Family → name → player, from the weakest to the strongest. Names: "memoryless" (without
memory), "clock" (knows only the step), the usual name of a well-known strategy, "perfect"
(provably the best that can be done with what is observed), "scripted" (good, but not provably
the best), "oracle" (knows what is hidden: an upper bound)."""

PLAYERS: dict[type[Family], dict[str, type[Player]]] = {
    family: {"random": Random, **SCRIPTED.get(family, {})} for family in FAMILIES
}
"""Family → name → player: ``SCRIPTED``, and "random" for every family."""


def players_of(env: str | type[POPGymEnv]) -> dict[str, type[Player]]:
    """Return the players of an environment.

    Args:
        env: A name, id or class.

    Returns:
        Name → class of player, from the weakest to the strongest. For a family of your own these
            are the players that you added to ``PLAYERS``, otherwise only "random".

    Raises:
        ValueError: If there is no such environment.
    """
    return dict(PLAYERS.get(find(env).family, {"random": Random}))


def find_player(env: str | type[POPGymEnv], player: str = "best") -> type[Player]:
    """Return the class of a player of an environment.

    Args:
        env: A name, id or class.
        player: One of ``players_of(env)``, or "best": the perfect player if there is one, else the
            scripted player.

    Raises:
        ValueError: If there is no such environment, or if it has no such player.
    """
    players, name = players_of(env), str(player)
    if name == "best":
        name = "perfect" if "perfect" in players else "scripted"
    if name not in players:
        raise ValueError(unknown(f"player of {find(env).name}:", name, players))
    return players[name]


def make_player(
    env: str | type[POPGymEnv],
    player: str = "best",
    num_envs: int = 1,
    seed: int = 0,
    **arguments: Any,
) -> Player:
    """Create a player of an environment.

    Args:
        env: A name, id or class.
        player: One of ``players_of(env)``, or "best": the perfect player if there is one, else the
            scripted player.
        num_envs: The number of environments that it plays.
        seed: The seed of its random numbers.
        **arguments: Arguments of the environment's constructor that differ from the preset.

    Raises:
        ValueError: If there is no such environment or player, or if a value is out of range.
        TypeError: If the environment does not take an argument.
    """
    return find_player(env, player)(find(env).task(**arguments), num_envs, seed)
