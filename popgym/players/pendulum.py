"""Players of Pendulum: dynamic programming, on an estimate of the state if that is hidden."""

from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.envs.pendulum import DT, FALL, MAX_TORQUE, MAX_TURN
from popgym.players.pendulum_plan import advance, best_torque
from popgym.players.player import Player

TURN_VARIANCE = 1 / 3  # of the angular speed at the start, uniform from −1 to 1 rad/s
LEAST_NOISE = 1e-6  # keeps the filter's equations regular without noise
# Added at each step for the error of the linear equations, in units of the noise's variance.
# Without it the filter would become too confident.
MODEL_VARIANCES = np.diag([1e-4, 1e-3])


class PendulumFilter(Player):
    """Plays by dynamic programming on an extended Kalman filter's estimate of the state.

    The filter knows the physics and its own torques. It uses only the component of the observation
    that is perpendicular to the estimated rod. This component determines the angle and is hardly
    ever clipped. Without noise the speed is known from the second step on.

    The torque is the best on average over five states: the estimate, and the states one standard
    deviation away in both directions of each axis of the covariance's Cholesky factor. So the
    player is careful where a small error would be expensive. It does not take into account that it
    will observe more later, and is not proved to be the best.

    Jazwinski, "Stochastic Processes and Filtering Theory" (1970), section 8.3.
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.noise = max(float(task.params.get("noise_sigma", 0.0)), LEAST_NOISE) ** 2
        self.to_go = np.zeros(num_envs, np.int64)
        self.angle, self.turn, self.torque = np.zeros((3, num_envs))
        self.covariance = np.zeros((num_envs, 2, 2))

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Predict, correct and apply the best torque."""
        self.to_go = np.where(start, self.task.max_episode_length, self.to_go - 1)
        self.predict()
        self.begin(obs, start)
        self.correct(obs)
        spread = np.linalg.cholesky(self.covariance)  # [n, 2, axis]
        aside = np.concatenate([0 * spread[:, :, :1], spread, -spread], axis=2)  # [n, 2, 5]
        angle, turn = self.angle[:, None] + aside[:, 0], self.turn[:, None] + aside[:, 1]
        self.torque = best_torque(angle, turn, self.to_go)
        return self.torque[:, None].astype(np.float32)

    def predict(self) -> None:
        """Advance the estimate and its covariance by the physics."""
        f = np.ones((self.num_envs, 2, 2))
        f[:, 1, 0] = DT * FALL * np.cos(self.angle)
        f[:, 0, 0] = 1 + DT * f[:, 1, 0]
        f[:, 0, 1] = DT
        self.covariance = f @ self.covariance @ f.transpose(0, 2, 1) + self.noise * MODEL_VARIANCES
        self.angle, self.turn = advance(self.angle, self.turn, self.torque)

    def begin(self, obs: np.ndarray, start: np.ndarray) -> None:
        """Initialise starting episodes with the observed angle and an angular speed of 0."""
        self.angle = np.where(start, np.arctan2(obs[:, 1], obs[:, 0]), self.angle)
        self.turn = np.where(start, 0.0, self.turn)
        unknown = 1e6 * self.noise  # much more than that of the first observation
        self.covariance[start] = np.diag([unknown, TURN_VARIANCE])

    def correct(self, obs: np.ndarray) -> None:
        """Correct the estimate by an observation."""
        missed = np.cos(self.angle) * obs[:, 1] - np.sin(self.angle) * obs[:, 0]
        gain = self.covariance[:, :, 0] / (self.covariance[:, :1, 0] + self.noise)
        self.angle = self.angle + gain[:, 0] * missed
        self.turn = np.clip(self.turn + gain[:, 1] * missed, -MAX_TURN, MAX_TURN)
        left = np.eye(2) - gain[:, :, None] * np.array([1.0, 0.0])
        # Joseph's form, because rounding makes the short form asymmetric.
        seen = self.noise * gain[:, :, None] * gain[:, None, :]
        self.covariance = left @ self.covariance @ left.transpose(0, 2, 1) + seen


class PendulumOracle(Player):
    """Sees the state and plays by dynamic programming over angle, speed and remaining steps."""

    observes_state = True

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.to_go = np.zeros(num_envs, np.int64)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Apply the best torque."""
        self.to_go = np.where(start, self.task.max_episode_length, self.to_go - 1)
        cos, sin, turn = np.asarray(obs, np.float64).T[:, :, None]  # [n, 1] each
        torque = best_torque(np.arctan2(sin, cos), turn, self.to_go)
        return torque[:, None].astype(np.float32)


class PendulumMemoryless(Player):
    """Pushes towards upright as hard as it can.

    The torque depends only on the angle and cannot swing the rod up. It only helps a rod to the top
    that is already near it and slow.
    """

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Push by the sign of the sine of the angle."""
        return np.where(obs[:, 1:] > 0, -MAX_TORQUE, MAX_TORQUE).astype(np.float32)
