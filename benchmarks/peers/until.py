"""Measure a training from outside: count environment steps and stop it when it reaches a score."""

import time
from collections import deque

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorWrapper

WINDOW = 100
"""Number of finished training episodes in the mean return."""


class Ended(BaseException):
    """The run reached its target or its limit.

    It is no ``Exception``, so that no library treats it as an environment's failure.
    """


class Until:
    """The steps, the episodes and the time of one run.

    The clock starts at the first environment step, before it is made.

    Args:
        target: The mean return of the last ``WINDOW`` episodes to reach.
        max_seconds: Most seconds of the run.
        max_steps: Most environment steps of the run.
        clock: Function that returns the time in seconds.
    """

    def __init__(self, target, max_seconds, max_steps, clock=time.perf_counter):
        self.target, self.max_seconds, self.max_steps = target, max_seconds, max_steps
        self.steps, self.seconds, self.episodes, self.reached = 0, 0.0, 0, False
        self.began = None
        self._clock = clock
        self._returns = deque(maxlen=WINDOW)

    @property
    def mean(self):
        """Mean return of the last episodes; None if no episode has ended."""
        return sum(self._returns) / len(self._returns) if self._returns else None

    def begin(self):
        """Start the clock if it does not run yet."""
        if self.began is None:
            self.began = self._clock()

    def note(self, steps, returns):
        """Note steps that were made and the returns of the episodes that ended with them.

        Raises:
            Ended: If the run has reached its target or a limit.
        """
        self.steps += steps
        self.seconds = self._clock() - self.began
        for total in returns:
            self.episodes += 1
            self._returns.append(float(total))
            self.reached = self.reached or self._at_target()
        late = self.seconds > self.max_seconds or self.steps > self.max_steps
        self.reached = self.reached and not late
        if self.reached or late or self.steps == self.max_steps:
            raise Ended

    def _at_target(self):
        return len(self._returns) == WINDOW and self.mean >= self.target


class Watched(gym.Wrapper):
    """A single environment whose steps are counted. Episodes that are reset early do not count."""

    def __init__(self, env, until):
        super().__init__(env)
        self.until = until

    def reset(self, **kwargs):
        """Begin an episode, see ``gymnasium.Env.reset``."""
        self._return = 0.0
        return self.env.reset(**kwargs)

    def step(self, action):
        """Play one step, see ``gymnasium.Env.step``."""
        self.until.begin()
        obs, reward, terminated, truncated, info = self.env.step(action)
        self._return += float(reward)
        self.until.note(1, [self._return] if terminated or truncated else [])
        return obs, reward, terminated, truncated, info


class WatchedVector(VectorWrapper):
    """The same for a vector environment with ``AutoresetMode.SAME_STEP``."""

    def __init__(self, env, until):
        super().__init__(env)
        self.until = until
        self._returns = np.zeros(env.num_envs)

    def __getattr__(self, name):
        """Return an attribute of the environment inside, such as ``snapshot``."""
        return getattr(self.env, name)

    def step(self, actions):
        """Play one step, see ``gymnasium.vector.VectorEnv.step``."""
        self.until.begin()
        answer = self.env.step(actions)
        _, rewards, terminated, truncated, _ = answer
        self._returns += rewards
        done = terminated | truncated
        ended = self._returns[done]
        self._returns[done] = 0.0
        self.until.note(self.num_envs, ended)
        return answer


def make_watched(name, until):
    """Return a function that makes a watched environment of a popgym name or a Gymnasium id."""
    return lambda: Watched(make(name), until)


def make(name):
    """Make a single environment, with nothing around it but its time limit."""
    import popgym.envs

    known = name if name in gym.registry else popgym.envs.lookup(name)
    return gym.make(known, disable_env_checker=True)
