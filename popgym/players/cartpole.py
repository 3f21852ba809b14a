"""Players of CartPole: a linear-quadratic regulator, and a Kalman filter for hidden states."""

from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.envs.cartpole import (
    ANGLE,
    DT,
    FORCE,
    GRAVITY,
    HALF_LENGTH,
    MASS,
    MOMENT,
    POLE,
    SPEED,
    TURN,
    X,
)
from popgym.players.player import Player

START_VARIANCE = 0.05**2 / 3  # of each number of the state: uniform from −0.05 to 0.05
LEAST_NOISE = 1e-5  # keeps the filter's equations regular without noise
LEVER = HALF_LENGTH * (4 / 3 - POLE / MASS)
EFFORT = 1e-4  # the cost of a squared newton; a squared radian costs 1


def advance(state: np.ndarray, push: np.ndarray) -> np.ndarray:
    """Compute a step of the physics of ``popgym.envs.cartpole`` for many states.

    Args:
        state: Position, speed, angle and angular speed, [n, 4].
        push: Left (0) or right (1), [n].

    Returns:
        The state a fiftieth of a second later, [n, 4].
    """
    _, speed, angle, turn = state.T
    cos, sin = np.cos(angle), np.sin(angle)
    pushed = (FORCE * (2 * push - 1) + MOMENT * turn**2 * sin) / MASS
    turn_rate = (GRAVITY * sin - cos * pushed) / (HALF_LENGTH * (4 / 3 - POLE * cos**2 / MASS))
    speed_rate = pushed - MOMENT * turn_rate * cos / MASS
    return state + DT * np.stack([speed, speed_rate, turn, turn_rate], axis=1)


def linear_physics() -> tuple[np.ndarray, np.ndarray]:
    """Return A [4, 4] and B [4, 1] of x' = A x + B u near upright and at rest; u is in newtons."""
    a, b = np.eye(4), np.zeros((4, 1))
    a[X, SPEED] = a[ANGLE, TURN] = DT
    a[TURN, ANGLE] = DT * GRAVITY / LEVER
    b[TURN, 0] = -DT / (MASS * LEVER)
    a[SPEED, ANGLE] = -MOMENT / MASS * a[TURN, ANGLE]
    b[SPEED, 0] = DT / MASS - MOMENT / MASS * b[TURN, 0]
    return a, b


def riccati(a: np.ndarray, b: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Solve P = Q + Aᵀ P A − Aᵀ P B (R + Bᵀ P B)⁻¹ Bᵀ P A by iteration from Q.

    Args:
        a: A, [n, n], the effect of the state on the next state.
        b: B, [n, k], the effect of the control.
        q: Q, [n, n], the cost of the state.
        r: R, [k, k], the cost of the control.

    Returns:
        P, [n, n]: xᵀ P x is the total future cost under the best control.
    """
    p = q
    while True:
        better = q + a.T @ p @ (a - b @ regulator(a, b, p, r))
        better = (better + better.T) / 2
        if np.abs(better - p).max() <= 1e-12 * np.abs(better).max():
            return better
        p = better


def regulator(a: np.ndarray, b: np.ndarray, p: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return K = (R + Bᵀ P B)⁻¹ Bᵀ P A, [k, n]: the best control is u = −K x."""
    return np.linalg.solve(r + b.T @ p @ b, b.T @ p @ a)


def gains(noise_sigma: float) -> np.ndarray:
    """Return the weights of position, speed, angle and angular speed, [4].

    The push is to the right if the weighted sum is positive. With more noise the pole falls sooner,
    so that the ends of the track matter less.
    """
    place = 1e-6 / max(noise_sigma, 0.01) ** 2
    q, r = np.diag([place, 0.0, 1.0, 0.0]), np.array([[EFFORT]])
    a, b = linear_physics()
    return -regulator(a, b, riccati(a, b, q, r), r)[0]


class CartPoleKalman(Player):
    """Pushes by a linear-quadratic regulator on a Kalman filter's estimate of the state.

    The push is always ±10 N; only its sign is taken from the regulator. The filter predicts by the
    full physics. It corrects by the gains of the linear physics, which depend only on the step.
    Without noise this amounts to differences of positions, or to sums of speeds. If only speeds are
    observed, their changes show the angle, while the cart's position stays as uncertain as at the
    start.

    Without noise the pole never fell in 10,000 episodes of each preset. With noise this player is
    not the best possible, because it ignores how close the estimate is to a fall.

    Kalman, "Contributions to the Theory of Optimal Control" (1960), and "A New Approach to Linear
    Filtering and Prediction Problems" (1960).
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        sigma = float(task.params.get("noise_sigma", 0.0))
        self.gains = gains(sigma)
        self.seen, self.corrections = corrections(task, sigma)
        self.state = np.zeros((num_envs, 4))
        self.push = np.zeros(num_envs, np.int64)
        self.step = np.zeros(num_envs, np.int64)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Predict, correct and push."""
        predicted = advance(self.state, self.push)
        self.state = np.where(start[:, None], 0.0, predicted)
        last = len(self.seen) - 1
        self.step = np.where(start, 0, np.minimum(self.step + 1, last))
        missed = obs - np.take_along_axis(self.state, self.seen[self.step], axis=1)
        self.state += np.einsum("nij,nj->ni", self.corrections[self.step], missed)
        self.push = (self.state @ self.gains > 0).astype(np.int64)
        return self.push.copy()


def corrections(task: Family, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Return what each step shows [steps, 2], and the Kalman filter's gains [steps, 4, 2]."""
    a, _ = linear_physics()
    covariance, noise = START_VARIANCE * np.eye(4), max(sigma, LEAST_NOISE) ** 2 * np.eye(2)
    seen, gains_by_step = [], []
    for step in range(task.max_episode_length + 1):
        seen.append(what_is_seen(task, step))
        h = np.eye(4)[seen[-1]]
        gain = covariance @ h.T @ np.linalg.inv(h @ covariance @ h.T + noise)
        gains_by_step.append(gain)
        left = np.eye(4) - gain @ h
        # Joseph's form, because rounding makes the short form asymmetric.
        covariance = a @ (left @ covariance @ left.T + gain @ noise @ gain.T) @ a.T
    return np.array(seen), np.array(gains_by_step)


def what_is_seen(task: Family, step: int) -> list[int]:
    """Return the indices into the state of the two observed numbers."""
    first = task.params.get("positions_at_reset")  # only in tasks that show speeds
    return [X, ANGLE] if first is None or (first and step == 0) else [SPEED, TURN]


class CartPoleOracle(Player):
    """Sees the state and pushes by a linear-quadratic regulator."""

    observes_state = True

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.gains = gains(0.0)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Push by the regulator."""
        return (obs @ self.gains > 0).astype(np.int64)


class LeanMemoryless(Player):
    """Pushes in the direction in which the pole leans."""

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Push by the sign of the angle."""
        return (obs[:, 1] > 0).astype(np.int64)


class SpeedMemoryless(Player):
    """Pushes in the direction in which the pole turns, corrected a little by the speed of the cart.

    The speeds are enough information: without memory it almost never fails for 400 steps.
    """

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Push by a weighted sum of the speeds, in rad/s and m/s."""
        return (obs[:, 1] + 0.1 * obs[:, 0] > 0).astype(np.int64)
