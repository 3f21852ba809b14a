"""The single environment with Gymnasium's interface: a batch of one."""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Space

from popgym.core.batch import Batch
from popgym.core.family import Family
from popgym.core.kernel import DISABLED
from popgym.core.layout import element, single_observation
from popgym.core.observability import Observability
from popgym.core.reset_options import read_hidden_state, read_options, read_seed
from popgym.core.time_limit import read_limit, shortest
from popgym.render import canvas
from popgym.render.window import Window

RENDER_MODES = ("ansi", "rgb_array", "human")


class POPGymEnv(gymnasium.Env):
    """One environment of a task.

    Its observations and rewards depend only on the seed of the last seeded reset and the actions
    since then. The first environment of a vector environment with the same seed and actions has
    the same trajectory.

    As in POPGym 1, a subclass can also be an environment without a family. Such a subclass sets
    its spaces and ``state_space``, and defines ``reset``, ``step`` and ``get_state``. Its
    ``super().__init__()`` and ``super().reset(seed=seed)`` then do what those of
    ``gymnasium.Env`` do.

    Args:
        family: The task. Only a subclass without a family may leave it out.
        render_mode: "ansi" if ``render`` is to return text, "rgb_array" if it is to return a
            picture, "human" if each reset and step is to show a picture in a window, or None.
        max_episode_steps: The number of steps after which an episode is truncated. None or −1:
            the rules of the task alone decide. ``gymnasium.make`` has this argument too, but
            counts the steps in a wrapper.

    Raises:
        TypeError: If ``family`` is missing and this is not a subclass.
        ValueError: If the render mode is unknown, or if ``max_episode_steps`` is not a whole
            number of at least 1.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": list(RENDER_MODES), "render_fps": 4}
    state_space: Space
    """The space of the state that ``get_state`` returns."""
    max_episode_length: int
    """The maximum number of steps in an episode."""
    obs_requires_prev_action: bool = False
    """Whether an agent needs its previous action as an input to play well."""
    observability_level: Observability = Observability.PARTIAL
    """How much of the hidden state the agent observes; see ``popgym.wrappers.Markovian``."""
    family: Family
    _arguments: dict[str, Any]
    """The arguments of the family, if the subclass constructs the family."""
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
        """Begin an episode.

        Args:
            seed: Restarts the random stream from this seed. None: the random stream continues.
            options: ``{"hidden": {...}}`` sets the deal, board, maze or physics at the start of
                the episode. The keys are those of ``family.hidden``.

        Returns:
            The first observation and an empty dict.

        Raises:
            ValueError: If an argument is invalid; the environment does not change.
        """
        if not hasattr(self, "family"):
            return super().reset(seed=seed, options=options)
        if seed is not None:
            read_seed(seed)
        hidden = read_hidden_state(self.family, read_options(options, ("hidden",)), None)
        super().reset(seed=None if seed is None else int(seed))
        if seed is not None or not self._batch.seeded[0]:
            self._batch.seed(self.np_random_seed % 2**64, 0, slice(None))
        self._batch.reset(slice(None), hidden)
        if self._watched:
            self._show()
        return self._present(self._batch.obs[0]), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play one action.

        Returns:
            The observation, the reward, whether the episode has terminated, whether it has been
            truncated, and an empty dict.

        Raises:
            ValueError: If the action is not in the action space, or if no episode is in progress;
                the environment does not change.
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
        """Return the hidden Markov state, an element of ``state_space``."""
        return element(self.state_space, self.family.state(self._batch.records), 0)

    def render(self) -> Any:
        """Render the current observation as ``render_mode`` says.

        Returns:
            Text for "ansi", a picture, [H, W, 3] uint8, for "rgb_array". None for "human", which
            redraws the window, and None if the environment has no render mode.

        Raises:
            ModuleNotFoundError: If Pillow is not installed, or pygame for "human".
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
        """Return the player's current view as text, whatever the render mode.

        Before the first reset all fields of the environment's record are zero.

        Args:
            reveal: Whether to show what is hidden from the player, too.
        """
        return self.family.draw(self._batch.records[0], reveal)

    def picture(self, reveal: bool = False) -> np.ndarray:
        """Return the player's current view as a picture, whatever the render mode.

        Args:
            reveal: Whether to show what is hidden from the player, too.

        Returns:
            The picture, [H, W, 3] uint8. Its size (W, H) is ``family.picture_size`` in all steps.

        Raises:
            ModuleNotFoundError: If Pillow is not installed; the message says how to install it.
        """
        return canvas.picture(self.family, self._batch.records[0], reveal)

    def _show(self) -> None:
        if self._window is None:
            self._window = Window(type(self).__name__)
        self._window.show(self.picture(), self.metadata["render_fps"])

    def close(self) -> None:
        """Close the window if it is open; in mode "human" the next reset or step reopens it."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_window": None}  # a copy opens its own window

    def snapshot(self) -> dict[str, np.ndarray]:
        """Return everything on which the environment's future depends, for an exact checkpoint."""
        return self._batch.snapshot()

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Restore the state saved by ``snapshot``.

        Raises:
            ValueError: If it is not a snapshot of this task; the environment does not change.
        """
        self._batch.restore(snapshot)


def check_render_mode(render_mode: str | None, allowed: tuple[str, ...]) -> str | None:
    """Check a render mode, and return it.

    Raises:
        ValueError: If it is neither None nor an allowed mode.
    """
    if render_mode is not None and render_mode not in allowed:
        raise ValueError(f"render_mode must be None or one of {allowed}, got {render_mode!r}")
    return render_mode
