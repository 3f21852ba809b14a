"""Wrappers that pass on what a task tells of itself; the base of all others."""

from typing import Any

import gymnasium
from gymnasium.spaces import Space
from gymnasium.vector import VectorWrapper


class PassingWrapper(gymnasium.Wrapper):
    """A wrapper of one environment with the attributes of `POPGymEnv`."""

    @property
    def state_space(self) -> Space:
        """The space of what `get_state` returns."""
        return self.unwrapped.state_space  # type: ignore[attr-defined]

    @property
    def max_episode_length(self) -> int:
        """The most steps that an episode can have."""
        return self.unwrapped.max_episode_length  # type: ignore[attr-defined]

    @property
    def obs_requires_prev_action(self) -> bool:
        """Whether an agent must yet be shown its previous action to play well."""
        return getattr(self.env, "obs_requires_prev_action", False)

    def get_state(self) -> Any:
        """The hidden Markov state, an element of `state_space`."""
        return self.unwrapped.get_state()  # type: ignore[attr-defined]


class PassingVectorWrapper(VectorWrapper):
    """A wrapper of a vector environment with the attributes of `POPGymVectorEnv`."""

    @property
    def state_space(self) -> Space:
        """The space of what `get_state` returns."""
        return self.unwrapped.state_space  # type: ignore[attr-defined]

    @property
    def max_episode_length(self) -> int:
        """The most steps that an episode can have."""
        return self.unwrapped.max_episode_length  # type: ignore[attr-defined]

    @property
    def obs_requires_prev_action(self) -> bool:
        """Whether an agent must yet be shown its previous action to play well."""
        return getattr(self.env, "obs_requires_prev_action", False)

    def get_state(self) -> Any:
        """The hidden Markov states, an element of `state_space`."""
        return self.unwrapped.get_state()  # type: ignore[attr-defined]

    def snapshot(self) -> dict[str, Any]:
        """Everything that decides how the environments carry on, for an exact checkpoint."""
        return self.env.snapshot()  # type: ignore[attr-defined]

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Takes the environments back to a snapshot; see the environment."""
        self.env.restore(snapshot)  # type: ignore[attr-defined]
