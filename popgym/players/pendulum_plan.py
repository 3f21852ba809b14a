"""The best torques for a pendulum whose state is known, by dynamic programming on a grid.

With k steps to go, Vₖ(x) = maxᵤ r(x, u) + Vₖ₋₁(f(x, u)) and V₀ = 0. V is computed for a grid of
angles and speeds, with bilinear interpolation between its points. Far from the end, one more step
adds the same amount to all values, so that the best torque does not depend on k. Therefore the plan
looks at most ``HORIZON`` steps ahead.

Bellman, "Dynamic Programming" (1957).
"""

import functools
import math

import numpy as np

from popgym.envs.pendulum import DT, FALL, HALF_COST, MAX_TORQUE, MAX_TURN, PUSH

ANGLES, TURNS = 160, 161
"""The numbers of grid points: angles from −π to π (exclusive), speeds from −8 to 8 rad/s."""
PLANNED, TRIED = 9, 21
"""The numbers of evenly spaced torques to choose from when planning and when playing."""
HORIZON = 100


def advance(
    angle: np.ndarray, turn: np.ndarray, torque: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute a step of the physics of ``popgym.envs.pendulum`` for arrays that broadcast."""
    turn = np.clip(turn + DT * (FALL * np.sin(angle) + PUSH * torque), -MAX_TURN, MAX_TURN)
    return angle + DT * turn, turn


def reward(angle: np.ndarray, turn: np.ndarray, torque: np.ndarray) -> np.ndarray:
    """Return the reward of a step times the episode's length, for arrays that broadcast."""
    off = (angle + math.pi) % (2 * math.pi) - math.pi
    return 1 - (off**2 + 0.1 * turn**2 + 0.001 * torque**2) / HALF_COST


def corners(angle: np.ndarray, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the grid points around states and their weights.

    Args:
        angle: The angle from upright in rad.
        turn: The angular speed in rad/s.

    Returns:
        Indices into the flattened V, [..., 4], and weights, [..., 4].
    """
    a = (angle / (2 * math.pi) + 0.5) * ANGLES
    t = np.clip((turn / MAX_TURN + 1) * (TURNS - 1) / 2, 0, TURNS - 1.000001)
    row, column = np.floor(a).astype(np.int64), t.astype(np.int64)
    down, right = a - row, t - column
    above, below = row % ANGLES * TURNS, (row + 1) % ANGLES * TURNS
    points = [above + column, above + column + 1, below + column, below + column + 1]
    weights = [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right]
    return np.stack(points, axis=-1), np.stack(weights, axis=-1)


@functools.cache
def plan() -> np.ndarray:
    """Return the values with 0 to ``HORIZON`` steps to go, [HORIZON + 1, points] float32."""
    angle = (np.arange(ANGLES) / ANGLES - 0.5)[:, None, None] * 2 * math.pi
    turn = (np.arange(TURNS) * 2 / (TURNS - 1) - 1)[None, :, None] * MAX_TURN
    torque = np.linspace(-MAX_TORQUE, MAX_TORQUE, PLANNED)
    earned = reward(angle, turn, torque).reshape(-1, PLANNED).astype(np.float32)
    points, weights = corners(*advance(angle, turn, torque))
    points, weights = points.reshape(-1, PLANNED, 4), weights.reshape(-1, PLANNED, 4)
    weights = weights.astype(np.float32)
    values = np.zeros((HORIZON + 1, ANGLES * TURNS), np.float32)
    for k in range(HORIZON):
        later = (values[k][points] * weights).sum(axis=2)
        values[k + 1] = (earned + later).max(axis=1)
    return values


def best_torque(angle: np.ndarray, turn: np.ndarray, to_go: np.ndarray) -> np.ndarray:
    """Return the torque that is best on average over states assumed to be equally likely.

    Args:
        angle: The angle from upright in rad, [n, states].
        turn: The angular speed in rad/s, [n, states].
        to_go: The number of steps left in the episode, with this one, [n].

    Returns:
        The torque in N m, [n].
    """
    torque = np.linspace(-MAX_TORQUE, MAX_TORQUE, TRIED)
    angle, turn = angle[..., None], turn[..., None]
    points, weights = corners(*advance(angle, turn, torque))  # [n, states, torques, 4]
    k = np.clip(to_go - 1, 0, HORIZON)[:, None, None, None]
    worth = reward(angle, turn, torque) + (plan()[k, points] * weights).sum(axis=-1)
    return torque[worth.mean(axis=1).argmax(axis=1)]
