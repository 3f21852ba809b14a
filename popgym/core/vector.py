"""Many environments of one task, stepped together by compiled code."""

from typing import Any

import numpy as np
from gymnasium.spaces import Discrete, Space
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from popgym.core import kernel
from popgym.core.arguments import whole_number
from popgym.core.batch import Batch
from popgym.core.env import check_render_mode
from popgym.core.family import Family
from popgym.core.layout import batched_observations, single_observation
from popgym.core.observability import Observability
from popgym.core.reset_options import read_draw, read_mask, read_options, read_seed
from popgym.core.rules import Record
from popgym.core.time_limit import read_limit, shortest
from popgym.render import canvas

RENDER_MODES = ("ansi", "rgb_array")
MODES = {
    AutoresetMode.NEXT_STEP: kernel.NEXT_STEP,
    AutoresetMode.SAME_STEP: kernel.SAME_STEP,
    AutoresetMode.DISABLED: kernel.DISABLED,
}


class POPGymVectorEnv(VectorEnv):
    """`num_envs` environments of a task.

    What environment i lives through is decided by the seed, by i and by its actions alone:
    not by `num_envs`, the autoreset mode or the number of threads.

    Args:
        family: The task.
        num_envs: How many environments.
        autoreset_mode: "NextStep" (the step after the end resets and ignores the action),
            "SameStep" (the step at the end returns the next episode's first observation, and
            the last one in `info["final_obs"]`) or "Disabled" (the caller resets with
            `options={"reset_mask": ...}`); or gymnasium's `AutoresetMode`.
        copy: Whether arrays returned are the caller's to keep; if not, the next call may
            write into them.
        threads: Whether to share the environments out among numba's threads.
        render_mode: None, or what `render` returns: "ansi" for text, "rgb_array" for pictures.
        max_episode_steps: After how many steps an episode is truncated, where it has not ended
            before; None or −1: as the rules of the task say.

    Raises:
        ValueError: An argument is wrong.
    """

    family: Family
    single_state_space: Space
    """The space of one environment's state."""
    state_space: Space
    """The space of what `get_state` returns."""
    max_episode_length: int
    """The most steps that an episode can have."""
    obs_requires_prev_action: bool
    """Whether an agent must be shown its previous action to play well."""
    observability_level: Observability
    """How much of the hidden state is shown; see `popgym.wrappers.Markovian`."""
    copy: bool
    """Whether arrays returned are the caller's to keep."""
    _arguments: dict[str, Any]
    """The arguments with which the family was made, where the class makes it."""

    def __init__(
        self,
        family: Family,
        num_envs: int = 1,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        threads: bool = False,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
    ) -> None:
        limit = read_limit(max_episode_steps)
        self.num_envs = whole_number("num_envs", num_envs, 1)
        self.family, self.copy = family, copy
        self.render_mode = check_render_mode(render_mode, RENDER_MODES)
        self.autoreset_mode = check_autoreset_mode(autoreset_mode)
        self.metadata = {"render_modes": [*RENDER_MODES], "render_fps": family.render_fps}
        self.metadata["autoreset_mode"] = self.autoreset_mode
        self.single_observation_space = family.observation_space
        self.single_action_space = family.action_space
        self.observation_space = batch_space(family.observation_space, num_envs)
        self.action_space = batch_space(family.action_space, num_envs)
        self.single_state_space = family.state_space
        self.state_space = batch_space(family.state_space, num_envs)
        self.max_episode_length = shortest(family.max_episode_length, limit)
        self.obs_requires_prev_action = family.obs_requires_prev_action
        self.observability_level = Observability.PARTIAL
        self._mode = MODES[self.autoreset_mode]
        self._batch = Batch(family, num_envs, threads, limit)

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begins episodes in all environments, or in those of a mask.

        Args:
            seed: Starts the random numbers of the environments being reset anew. From a list,
                environment i lives as a single environment seeded with `seed[i]` would; None
                goes on with the random numbers there are.
            options: `reset_mask` [num_envs] bool, which environments to reset; `hidden`, what
                to begin with: by key of `family.hidden`, with a leading axis for the
                environments being reset.

        Returns:
            All environments' current observations, and an empty dict.

        Raises:
            ValueError: An argument is wrong; all environments are as they were.
        """
        given = read_options(options, ("hidden", "reset_mask"))
        which = np.ones(self.num_envs, bool)
        if "reset_mask" in given:
            which = read_mask(given["reset_mask"], self.num_envs)
        hidden = read_draw(self.family, given, int(which.sum()))
        if (~which & (self._batch.status == kernel.NEW)).any():
            raise ValueError("the first reset must be of all environments: leave out reset_mask")
        self._seed(seed, which)
        self._batch.reset(which, hidden)
        return self._present(self._batch.obs), {}

    def _seed(self, seed: Any, which: np.ndarray) -> None:
        if isinstance(seed, (list, tuple, np.ndarray)):
            self._seed_each(seed, which)
        elif seed is not None:
            value = read_seed(seed)
            super().reset(seed=int(seed))
            self._batch.seed(value, np.flatnonzero(which), which)
        unseeded = which & ~self._batch.seeded
        if unseeded.any():
            entropy = int(self.np_random_seed or 0) % 2**64
            self._batch.seed(entropy, np.flatnonzero(unseeded), unseeded)

    def _seed_each(self, seeds: Any, which: np.ndarray) -> None:
        if len(seeds) != self.num_envs:
            raise ValueError(f"seed must have {self.num_envs} entries, got {len(seeds)}")
        values = [0 if one is None else read_seed(one) for one in seeds]
        given = which & np.array([one is not None for one in seeds])
        self._batch.seed(np.array(values, np.uint64)[given], 0, given)

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Plays one action in each environment.

        Args:
            actions: [num_envs, ...].

        Returns:
            Observations, rewards [num_envs] float64, terminated and truncated [num_envs] bool,
            and a dict: in mode SameStep, after an end, with gymnasium's keys `final_obs`
            ([num_envs] of objects), `final_info`, and the masks `_final_obs`, `_final_info`.

        Raises:
            ValueError: An action is not in its space, or an environment has no episode going
                on; all environments are as they were.
        """
        batch = self._batch
        batch.actions.write(actions)
        bad = batch.step(self._mode)
        if bad >= 0:
            raise ValueError(f"environment {bad} cannot be stepped: {batch.why_not(bad)}")
        results = (batch.rewards, batch.terminated, batch.truncated)
        if self.copy:
            results = tuple(array.copy() for array in results)  # type: ignore[assignment]
        return (self._present(batch.obs), *results, self._info())

    def _present(self, rows: np.ndarray) -> Any:
        return batched_observations(self.single_observation_space, rows, self.copy)

    def _info(self) -> dict[str, Any]:
        if self._mode != kernel.SAME_STEP:
            return {}
        batch = self._batch
        over = batch.terminated | batch.truncated
        if not over.any():
            return {}
        final_obs = np.full(self.num_envs, None, dtype=object)
        if isinstance(self.single_observation_space, Discrete):
            final_obs[over] = batch.final_obs[over, 0].tolist()
        else:
            present = single_observation(self.single_observation_space)
            for i in np.flatnonzero(over):
                final_obs[i] = present(batch.final_obs[i])
        return {
            "final_obs": final_obs,
            "_final_obs": over,
            "final_info": {},
            "_final_info": over.copy(),
        }

    def get_state(self) -> Any:
        """The hidden Markov states, an element of `state_space`."""
        return self.family.state(self._batch.records)

    def get_final_state(self) -> Any:
        """The states at the ends of episodes, where `get_state` tells of the next ones (SameStep).

        Returns:
            An element of `state_space`; in environments whose episode did not end in the last
            step, something older.
        """
        return self.family.state(self._batch.final_records)

    def render(self) -> tuple[Any, ...] | None:
        """What is seen of each environment now.

        Returns:
            "ansi": texts; "rgb_array": pictures, [H, W, 3] uint8 each; no mode: None.

        Raises:
            ModuleNotFoundError: Pillow is not installed; the message says how to install it.
        """
        if self.render_mode is None:
            return None
        show = self.family.draw if self.render_mode == "ansi" else self._picture
        return tuple(show(record) for record in self._batch.records)

    def _picture(self, record: Record) -> np.ndarray:
        return canvas.picture(self.family, record)

    def snapshot(self) -> dict[str, np.ndarray]:
        """Everything that decides how the environments carry on, for an exact checkpoint."""
        return self._batch.snapshot()

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Takes the environments back to a snapshot.

        Raises:
            ValueError: It is no snapshot of as many environments of this task; the
                environments are as they were.
        """
        self._batch.restore(snapshot)


def check_autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    """The autoreset mode.

    Raises:
        ValueError: There is no such mode.
    """
    try:
        return AutoresetMode(mode)
    except ValueError:
        allowed = [m.value for m in AutoresetMode]
        raise ValueError(f"autoreset_mode must be one of {allowed}, got {mode!r}") from None
