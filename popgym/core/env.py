"""One environment, as gymnasium knows it: a batch of one."""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Space

from popgym.core.batch import Batch
from popgym.core.family import Family
from popgym.core.kernel import DISABLED
from popgym.core.layout import element, single_observation
from popgym.core.observability import Observability
from popgym.core.reset_options import read_draw, read_options, read_seed
from popgym.core.time_limit import read_limit, shortest
from popgym.render import canvas
from popgym.render.window import Window

RENDER_MODES = ("ansi", "rgb_array", "human")


class POPGymEnv(gymnasium.Env):
    """One environment of a task.

    What an agent is shown and what it earns is decided by the seed of the last seeded reset
    and the actions since. A vector environment's first environment, given the same seed and
    actions, lives through the same.

    As in POPGym 1, a subclass may also be an environment of its own without a family: it sets
    its spaces and `state_space` and has its own `reset`, `step` and `get_state`, whose
    `super().__init__()` and `super().reset(seed=seed)` are then those of `gymnasium.Env`.

    Args:
        family: The task; left out only by such a subclass.
        render_mode: None; what `render` returns, "ansi" for text or "rgb_array" for a picture;
            or "human", where each reset and step shows a picture in a window.
        max_episode_steps: After how many steps an episode is truncated, where it has not ended
            before; None or −1: as the rules of the task say. `gymnasium.make` takes it too, and
            then counts in a wrapper.

    Raises:
        TypeError: There is neither a family nor a subclass.
        ValueError: There is no such render mode, or the limit is no whole number from 1 on.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": list(RENDER_MODES), "render_fps": 4}
    state_space: Space
    """The space of what `get_state` returns."""
    max_episode_length: int
    """The most steps that an episode can have."""
    obs_requires_prev_action: bool = False
    """Whether an agent must be shown its previous action to play well."""
    observability_level: Observability = Observability.PARTIAL
    """How much of the hidden state is shown; see `popgym.wrappers.Markovian`."""
    family: Family
    _arguments: dict[str, Any]
    """The arguments with which the family was made, where the class makes it."""
    _window: Window | None = None

    def __init__(
        self,
        family: Family | None = None,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
    ) -> None:
        if family is None:
            if type(self) is POPGymEnv:
                raise TypeError("POPGymEnv needs a Family, or a subclass with reset and step")
            return
        limit = read_limit(max_episode_steps)
        self.family = family
        self.render_mode = check_render_mode(render_mode, RENDER_MODES)
        self.metadata = {**self.metadata, "render_fps": family.render_fps}
        self.observation_space, self.action_space = family.observation_space, family.action_space
        self.state_space = family.state_space
        self.max_episode_length = shortest(family.max_episode_length, limit)
        self.obs_requires_prev_action = family.obs_requires_prev_action
        self._batch = Batch(family, 1, max_episode_steps=limit)
        self._present = single_observation(family.observation_space)
        self._watched = render_mode == "human"

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode.

        Args:
            seed: Starts the random numbers anew; None goes on with them.
            options: `{"hidden": {...}}` begins with the given deal, board, maze or physics;
                the keys are those of `family.hidden`.

        Returns:
            The first observation and an empty dict.

        Raises:
            ValueError: An argument is wrong; the environment is as it was.
        """
        if not hasattr(self, "family"):
            return super().reset(seed=seed, options=options)
        if seed is not None:
            read_seed(seed)
        hidden = read_draw(self.family, read_options(options, ("hidden",)), None)
        super().reset(seed=None if seed is None else int(seed))
        if seed is not None or not self._batch.seeded[0]:
            self._batch.seed(self.np_random_seed % 2**64, 0, slice(None))
        self._batch.reset(slice(None), hidden)
        if self._watched:
            self._show()
        return self._present(self._batch.obs[0]), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Plays one action.

        Returns:
            Observation, reward, whether the episode terminated, whether it was truncated, and
            an empty dict.

        Raises:
            ValueError: The action is not in the action space, or no episode is going on; the
                environment is as it was.
        """
        batch = self._batch
        batch.actions.write_one(action)
        if batch.step(DISABLED) >= 0:
            raise ValueError(f"the environment cannot be stepped: {batch.why_not(0)}")
        if self._watched:
            self._show()
        return (
            self._present(batch.obs[0]),
            batch.rewards.item(),
            batch.terminated.item(),
            batch.truncated.item(),
            {},
        )

    def get_state(self) -> Any:
        """The hidden Markov state, an element of `state_space`."""
        return element(self.state_space, self.family.state(self._batch.records), 0)

    def render(self) -> Any:
        """What is seen now, in the way that `render_mode` asks for.

        Returns:
            "ansi": text; "rgb_array": [H, W, 3] uint8; "human", which draws it anew in the
            window, and no mode: None.

        Raises:
            ModuleNotFoundError: Pillow, or for "human" pygame, is not installed.
        """
        if self.render_mode == "ansi":
            return self.draw()
        if self.render_mode == "rgb_array":
            return self.picture()
        if self.render_mode == "human":
            self._show()
        else:
            gymnasium.logger.warn(
                f"render() needs an environment made with render_mode, one of {RENDER_MODES}"
            )
        return None

    def draw(self, reveal: bool = False) -> str:
        """What the player sees now as text, whatever the render mode.

        Before the first reset it is an environment in which nothing has happened.

        Args:
            reveal: Whether to show also what is hidden from the player.
        """
        return self.family.draw(self._batch.records[0], reveal)

    def picture(self, reveal: bool = False) -> np.ndarray:
        """What the player sees now as a picture, [H, W, 3] uint8, whatever the render mode.

        Its size is the same for all steps of a task: `family.picture_size`, (W, H).

        Args:
            reveal: Whether to show also what is hidden from the player.

        Raises:
            ModuleNotFoundError: Pillow is not installed; the message says how to install it.
        """
        return canvas.picture(self.family, self._batch.records[0], reveal)

    def _show(self) -> None:
        if self._window is None:
            self._window = Window(type(self).__name__)
        self._window.show(self.picture(), self.metadata["render_fps"])

    def close(self) -> None:
        """Closes the window, if there is one; another reset or step in mode "human" opens it."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_window": None}  # a copy opens its own

    def snapshot(self) -> dict[str, np.ndarray]:
        """Everything that decides how the environment carries on, for an exact checkpoint."""
        return self._batch.snapshot()

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Takes the environment back to a snapshot.

        Raises:
            ValueError: It is no snapshot of this task; the environment is as it was.
        """
        self._batch.restore(snapshot)


def check_render_mode(render_mode: str | None, allowed: tuple[str, ...]) -> str | None:
    """The render mode, if there is such a one.

    Raises:
        ValueError: There is not.
    """
    if render_mode is not None and render_mode not in allowed:
        raise ValueError(f"render_mode must be None or one of {allowed}, got {render_mode!r}")
    return render_mode
