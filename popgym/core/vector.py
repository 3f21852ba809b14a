"""The vector environment: environments of one task, stepped together by compiled code."""

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
from popgym.core.reset_options import read_hidden_state, read_mask, read_options, read_seed
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
    """Vector environment of one task.

    Environment i's trajectory depends only on the seed, on i and on its actions. It does not
    depend on ``num_envs``, the autoreset mode or the number of threads.

    Args:
        family: The task.
        num_envs: The number of environments.
        autoreset_mode: When to reset an environment whose episode is over. "NextStep": in the next
            step, which ignores the action. "SameStep": in the last step of the episode, which
            returns the first observation of the next episode, and the last observation of this
            one in ``info["final_obs"]``. "Disabled": never; the caller resets it with
            ``options={"reset_mask": ...}``. Gymnasium's ``AutoresetMode`` is accepted, too.
        copy: Whether to return copies of the arrays. If False, the next call may overwrite the
            returned arrays.
        threads: Whether to distribute the environments over numba's threads.
        render_mode: "ansi" if ``render`` is to return text, "rgb_array" if it is to return
            pictures, or None.
        max_episode_steps: The number of steps after which an episode is truncated. None or −1:
            the rules of the task alone decide.

    Raises:
        ValueError: If an argument is invalid.
    """

    family: Family
    single_state_space: Space
    """The space of one environment's state."""
    state_space: Space
    """The space of the states that ``get_state`` returns."""
    max_episode_length: int
    """The maximum number of steps in an episode."""
    obs_requires_prev_action: bool
    """Whether an agent needs its previous action as an input to play well."""
    observability_level: Observability
    """How much of the hidden state the agent observes; see ``popgym.wrappers.Markovian``."""
    copy: bool
    """Whether the returned arrays are copies."""
    _arguments: dict[str, Any]
    """The arguments of the family, if the subclass constructs the family."""

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
        """Begin episodes in all environments, or in those selected by a mask.

        Args:
            seed: Restarts the random streams of the environments being reset. With a list of
                seeds, environment i has the same trajectory as a single environment with the seed
                ``seed[i]``. None, also as an entry of the list: the random stream continues.
            options: ``reset_mask``, [num_envs] bool, selects the environments to reset.
                ``hidden`` sets the hidden initial state. Its keys are those of
                ``family.hidden``, and its values have a leading axis for the environments being
                reset.

        Returns:
            The current observations of all environments, and an empty dict.

        Raises:
            ValueError: If an argument is invalid; the environments do not change.
        """
        given = read_options(options, ("hidden", "reset_mask"))
        which = np.ones(self.num_envs, bool)
        if "reset_mask" in given:
            which = read_mask(given["reset_mask"], self.num_envs)
        hidden = read_hidden_state(self.family, given, int(which.sum()))
        if (~which & (self._batch.status == kernel.NEW)).any():
            raise ValueError("the first reset must reset all environments: leave out reset_mask")
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
        """Play one action in each environment.

        Args:
            actions: One action for each environment, [num_envs, ...].

        Returns:
            The observations, the rewards, [num_envs] float64, whether each episode has terminated
            and whether it has been truncated, [num_envs] bool, and a dict. In the mode SameStep,
            if an episode ended in this step, the dict has Gymnasium's keys ``final_obs``,
            [num_envs] objects, ``final_info``, and the masks ``_final_obs`` and ``_final_info``.

        Raises:
            ValueError: If an action is not in its space, or if an environment has no episode in
                progress; the environments do not change.
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
        """Return the hidden Markov states, an element of ``state_space``."""
        return self.family.state(self._batch.records)

    def get_final_state(self) -> Any:
        """Return the states at the end of the episodes that ended in the last step.

        This is for the mode SameStep, where ``get_state`` returns the initial states of the
        next episodes.

        Returns:
            An element of ``state_space``. Its values are outdated for environments whose episode
            did not end in the last step.
        """
        return self.family.state(self._batch.final_records)

    def render(self) -> tuple[Any, ...] | None:
        """Render the current observation of each environment as ``render_mode`` says.

        Returns:
            Texts for "ansi", pictures, [H, W, 3] uint8 each, for "rgb_array", and None if there is
            no render mode.

        Raises:
            ModuleNotFoundError: If Pillow is not installed; the message says how to install it.
        """
        if self.render_mode is None:
            return None
        show = self.family.draw if self.render_mode == "ansi" else self._picture
        return tuple(show(record) for record in self._batch.records)

    def _picture(self, record: Record) -> np.ndarray:
        return canvas.picture(self.family, record)

    def snapshot(self) -> dict[str, np.ndarray]:
        """Return everything on which the environments' future depends, for an exact checkpoint."""
        return self._batch.snapshot()

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Restore the state saved by ``snapshot``.

        Raises:
            ValueError: If it is not a snapshot of this task with the same number of environments;
                the environments do not change.
        """
        self._batch.restore(snapshot)


def check_autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    """Return the autoreset mode as Gymnasium's ``AutoresetMode``.

    Raises:
        ValueError: If the mode is unknown.
    """
    try:
        return AutoresetMode(mode)
    except ValueError:
        allowed = [m.value for m in AutoresetMode]
        raise ValueError(f"autoreset_mode must be one of {allowed}, got {mode!r}") from None
