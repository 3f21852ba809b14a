"""What every law needs: fresh environments, actions and plays."""

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
"""A family, its class, a gymnasium id, or what returns a new environment at each call."""
SEED = 20230212
LONGEST = 3000
"""How many steps are waited for the end of an episode of unknown length."""


class Shown(NamedTuple):
    """What an environment showed at one step; a reset has the reward 0."""

    observation: Any
    reward: float
    terminated: bool
    truncated: bool
    state: Any  # None where there is none


class Trial:
    """An environment to be tried.

    Args:
        make: See `MakeEnv`.

    Raises:
        TypeError: It makes no environment.
    """

    family: Family | None = None
    """The task, if the environment is one of popgym's."""
    vector_class: Callable[..., POPGymVectorEnv] | None = None
    """The vector form that the environment's class names, if not the family's usual one."""

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
        """The family, where the law is one of families."""
        assert self.family is not None
        return self.family

    def many(
        self, num_envs: int, mode: AutoresetMode = AutoresetMode.DISABLED, threads: bool = False
    ) -> POPGymVectorEnv:
        """A fresh vector environment of the family."""
        options: dict[str, Any] = {"autoreset_mode": mode, "threads": threads}
        if self.vector_class is not None:
            return self.vector_class(num_envs, **options)
        return POPGymVectorEnv(self.task, num_envs, **options)

    def actions(self, count: int, seed: int = 0) -> list[Any]:
        """Actions drawn from the action space."""
        space = copy.deepcopy(self.action_space)
        space.seed(SEED + seed)
        return [space.sample() for _ in range(count)]

    def steps(self, most: int) -> int:
        """A little more than two episodes, if that is not more than `most`."""
        return min(2 * (self.limit or most) + 5, most)


def maker(make: MakeEnv) -> Callable[[], Any]:
    """What makes a single environment."""
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
    """Resets an environment."""
    return Shown(copy.deepcopy(env.reset(**reset)[0]), 0.0, False, False, state_of(env))


def state_of(env: Any) -> Any:
    """The hidden state of one environment or of many, if there is one."""
    get_state = inner(env, "get_state", None)
    return None if get_state is None else copy.deepcopy(get_state())


def play(env: gymnasium.Env, actions: Iterable[Any], **reset: Any) -> list[Shown]:
    """Resets, plays the actions, and begins another episode wherever one ends."""
    return [begin(env, **reset), *carry_on(env, actions)]


def carry_on(env: gymnasium.Env, actions: Iterable[Any], past: bool = True) -> list[Shown]:
    """Plays the actions in an episode that has begun.

    Args:
        env: The environment.
        actions: What to play.
        past: Whether to go on with other episodes after its end.
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
    """Plays many environments; what each showed, in the same form in every autoreset mode.

    Args:
        env: The vector environment.
        actions: The actions of each environment, at least `steps`.
        steps: How often to step.
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
    """Raises `Unlawful` unless two plays are the same as far as both go."""
    for t, (a, b) in enumerate(zip(got, want, strict=False)):
        for name, x, y in zip(Shown._fields, a, b, strict=True):
            if not same(x, y):
                raise Unlawful(f"{message}: {name} {t} is {in_short(x)}, not {in_short(y)}")
