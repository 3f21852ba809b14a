"""Tools that every law needs: new environments, actions and trajectories."""

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from popgym.core.env import POPGymEnv
from popgym.core.family import Family
from popgym.core.layout import element
from popgym.core.vector import POPGymVectorEnv
from popgym.testing.env_laws.comparison import Unlawful, in_short, same
from popgym.wrappers.base import inner

MakeEnv = str | Family | type[Family] | Callable[[], gymnasium.Env]
"""A family, its class, an environment id, or a function that returns a new environment."""
SEED = 20230212
LONGEST = 3000
"""Maximum number of steps to wait for the end of an episode."""


class Shown(NamedTuple):
    """Result of one step, or of a reset, whose reward is 0."""

    observation: Any
    reward: float
    terminated: bool
    truncated: bool
    state: Any  # the hidden state; None if the environment has none


class Trial:
    """Environment under test.

    Args:
        make: See ``MakeEnv``.

    Raises:
        TypeError: If ``make`` does not make an environment.
    """

    family: Family | None = None
    """The task, if the environment is made of a popgym ``Family``."""
    vector_class: Callable[..., POPGymVectorEnv] | None = None
    """The environment class's own vector environment; None: the usual one."""

    def __init__(self, make: MakeEnv) -> None:
        self.single = maker(make)
        env = self.single()
        if not isinstance(env, gymnasium.Env):
            raise TypeError(f"make() must return a gymnasium.Env, got a {type(env).__name__}")
        self.is_ours = isinstance(env, POPGymEnv)
        self.has_state = inner(env, "get_state", None) is not None
        if self.is_ours and isinstance(getattr(env, "family", None), Family):
            self.family = inner(env, "family")
            self.vector_class = inner(env, "vector_class", None)
        self.action_space = env.action_space
        limit = getattr(env.spec, "max_episode_steps", None)
        self.limit: int | None = inner(env, "max_episode_length", limit)

    @property
    def task(self) -> Family:
        """The family; only for laws about families."""
        assert self.family is not None
        return self.family

    def many(
        self, num_envs: int, mode: AutoresetMode = AutoresetMode.DISABLED, threads: bool = False
    ) -> POPGymVectorEnv:
        """Make a new vector environment of the family."""
        options: dict[str, Any] = {"autoreset_mode": mode, "threads": threads}
        if self.vector_class is not None:
            return self.vector_class(num_envs, **options)
        return POPGymVectorEnv(self.task, num_envs, **options)

    def actions(self, count: int, seed: int = 0) -> list[Any]:
        """Sample actions from the action space."""
        space = copy.deepcopy(self.action_space)
        space.seed(SEED + seed)
        return [space.sample() for _ in range(count)]

    def steps(self, most: int) -> int:
        """Return a little more than the steps of two episodes, but at most ``most``."""
        return min(2 * (self.limit or most) + 5, most)


def maker(make: MakeEnv) -> Callable[[], Any]:
    """Return a function that makes a single environment.

    Raises:
        TypeError: If ``make`` is none of the allowed kinds.
        ValueError: If there is no environment of that name.
    """
    if isinstance(make, str):
        from popgym.envs import lookup

        env_id = make if make in gymnasium.registry else lookup(make)
        return lambda: gymnasium.make(env_id, disable_env_checker=True)
    if isinstance(make, type) and issubclass(make, Family):
        make = make()
    if isinstance(make, Family):
        family = make
        return lambda: POPGymEnv(family)
    if not callable(make):
        raise TypeError(
            "make must be a Family, a gymnasium id, or a function or class that returns a "
            f"gymnasium.Env; got {make!r}"
        )
    return make


def begin(env: gymnasium.Env, **reset: Any) -> Shown:
    """Reset an environment, and return the result."""
    return Shown(copy.deepcopy(env.reset(**reset)[0]), 0.0, False, False, state_of(env))


def state_of(env: Any) -> Any:
    """Return the hidden state of a single or vector environment; None if it has none."""
    get_state = inner(env, "get_state", None)
    return None if get_state is None else copy.deepcopy(get_state())


def play(env: gymnasium.Env, actions: Iterable[Any], **reset: Any) -> list[Shown]:
    """Reset the environment and play the actions; a new episode begins whenever one ends."""
    return [begin(env, **reset), *carry_on(env, actions)]


def carry_on(env: gymnasium.Env, actions: Iterable[Any], past: bool = True) -> list[Shown]:
    """Play the actions in the current episode.

    Args:
        env: The environment.
        actions: The actions to play.
        past: Whether to continue with new episodes after its end.

    Returns:
        The results of all steps and resets.
    """
    shown: list[Shown] = []
    for action in actions:
        if shown and (shown[-1].terminated or shown[-1].truncated):
            if not past:
                break
            shown.append(begin(env))
        observation, reward, terminated, truncated, _ = env.step(copy.deepcopy(action))
        results = (copy.deepcopy(observation), float(reward), bool(terminated), bool(truncated))
        shown.append(Shown(*results, state_of(env)))
    return shown


def lives(
    env: POPGymVectorEnv, actions: Sequence[Sequence[Any]], steps: int, **reset: Any
) -> list[list[Shown]]:
    """Play a vector environment, and return each environment's trajectory.

    Trajectories have the same form in every autoreset mode.

    Args:
        env: The vector environment.
        actions: The actions of each environment, at least ``steps`` of them.
        steps: The number of steps.
        **reset: The arguments of the first reset.
    """
    observations, _ = env.reset(**reset)
    states = env.get_state()
    spaces = env.single_observation_space, env.single_state_space

    def shown(i: int, obs: Any, state: Any, results: tuple[float, bool, bool]) -> Shown:
        return Shown(element(spaces[0], obs, i), *results, element(spaces[1], state, i))

    nothing = (0.0, False, False)
    lived = [[shown(i, observations, states, nothing)] for i in range(env.num_envs)]
    played, over = [0] * env.num_envs, np.zeros(env.num_envs, bool)
    for _ in range(steps):
        if env.autoreset_mode is AutoresetMode.DISABLED and over.any():
            observations, _ = env.reset(options={"reset_mask": over})
            for i in np.flatnonzero(over).tolist():
                lived[i].append(shown(i, observations, env.get_state(), nothing))
        skips = over & (env.autoreset_mode is AutoresetMode.NEXT_STEP)
        batch = np.stack([actions[i][t] for i, t in enumerate(played)])
        observations, rewards, terminated, truncated, info = env.step(batch)
        states, over = env.get_state(), terminated | truncated
        for i in range(env.num_envs):
            now = (rewards[i].item(), terminated[i].item(), truncated[i].item())
            played[i] += not skips[i]
            if over[i] and env.autoreset_mode is AutoresetMode.SAME_STEP:
                final = element(spaces[1], env.get_final_state(), i)
                lived[i].append(Shown(copy.deepcopy(info["final_obs"][i]), *now, final))
                now = nothing
            lived[i].append(shown(i, observations, states, now))
    return lived


def expect_same(got: Sequence[Shown], want: Sequence[Shown], message: str) -> None:
    """Raise ``Unlawful`` unless two trajectories agree up to the end of the shorter one."""
    for t, (a, b) in enumerate(zip(got, want, strict=False)):
        for name, x, y in zip(Shown._fields, a, b, strict=True):
            if not same(x, y):
                raise Unlawful(f"{message}: {name} {t} is {in_short(x)}, not {in_short(y)}")
