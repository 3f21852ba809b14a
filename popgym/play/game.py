"""A game played by hand: what there is to see, and what a typed word does; no terminal in it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from popgym.core.env import POPGymEnv
from popgym.play.controls import controls_of

AGAIN = "another episode? y or n"


class Game:
    """Episodes of one environment, played word by word.

    Args:
        env: The environment.
        seed: Of the first episode; each later one has the next number. None draws one.
        reveal: Whether to show what is hidden from the player.
        references: Player → mean return, to compare scores with.
        options: Of the first reset, such as a hidden draw.

    Raises:
        ValueError: The environment is of another kind, or the seed or an option is wrong.
    """

    message: str = ""
    """What is to be said about the last word."""
    ending: str = ""
    """How the episode ended, once it has."""
    done: bool = False
    """Whether the player has quit."""

    def __init__(
        self,
        env: POPGymEnv,
        seed: int | None = None,
        reveal: bool = False,
        references: Mapping[str, float] | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        if not isinstance(env, POPGymEnv) or not hasattr(env, "family"):
            raise ValueError(f"only environments made of a popgym Family can be played, not {env}")
        self.env, self.reveal, self.references = env, reveal, dict(references or {})
        self.controls = controls_of(env.family)
        self.finished: list[float] = []
        """The scores of the episodes played to their end."""
        self.seed = secrets.randbelow(10**6) if seed is None else seed  # short enough to retype
        self._begin(options)

    def _begin(self, options: dict[str, Any] | None = None) -> None:
        self.env.reset(seed=self.seed, options=options)
        self.score, self.steps, self.over = 0.0, 0, False
        self._last = self.ending = ""

    def enter(self, word: str) -> bool:
        """Does what a word says: a command, an action, or the answer to a question.

        Returns:
            Whether there is something new to see; if not, `message` says why.
        """
        word, self.message = word.strip(), ""
        if word == "q" or (self.over and word == "n"):
            self.done = True
        elif word == "?":
            self.message = self.help()
        elif word == "r" or (self.over and word == "y"):
            self.seed += 1
            self._begin()
            return True
        elif self.over:
            self.message = AGAIN
        elif word == "u":
            self.message = "there is no undo: what is done is done"
        else:
            return self._act(word)
        return False

    def _act(self, word: str) -> bool:
        try:
            action = self.controls.read(word)
        except ValueError as error:
            self.message = str(error)
            return False
        _, reward, terminated, truncated, _ = self.env.step(action)
        self.score += reward
        self.steps += 1
        self._last = f"   {self.controls.describe(action)}: reward {reward:+.3f}"
        self.over = terminated or truncated
        if self.over:
            self.finished.append(self.score)
            self.ending = self._comparison()
            self.message = f"{self.ending}\n{AGAIN}"
        return True

    def _comparison(self) -> str:
        lines = [f"the episode is over: score {self.score:+.3f} after {self.steps} steps"]
        if self.references:
            others = ", ".join(f"{who} {mean:+.3f}" for who, mean in self.references.items())
            lines.append(f"others score on average: {others}")
        return "\n".join(lines)

    def title(self) -> str:
        """What is played, and the seed with which this episode can be played again."""
        return f"{type(self.env).__name__}   seed {self.seed}"

    def help(self) -> str:
        """The task, and all keys."""
        what = [self.env.family.description(), f"type {self.controls.allowed()}"]
        commands = "? help   r new episode   q quit   (there is no undo)"
        return "\n".join(line for line in (*what, self.controls.help(), commands) if line)

    def view(self) -> str:
        """The picture, the last action and reward, and the score."""
        return f"{self.env.draw(self.reveal)}\n\nscore {self.score:+.3f}{self._last}"

    def farewell(self) -> str:
        """The score of an episode broken off, and the mean of several."""
        lines = []
        if self.steps and not self.over:
            lines.append(f"score so far {self.score:+.3f} after {self.steps} steps")
        if len(self.finished) > 1:
            mean = sum(self.finished) / len(self.finished)
            lines.append(f"mean score of {len(self.finished)} episodes {mean:+.3f}")
        return "\n".join(lines)
