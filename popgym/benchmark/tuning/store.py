"""The folder of a search.

::

    tune.json               what was asked for, and the search space
    trials/007/             a trial: an ordinary run folder
    trials/007/ended.json   there when the trial is complete, or was ended early and has saved
    trials/007.early.json   that it is ended early, after how many steps, and with which score
    trials/007.error.json   why it failed, until it is tried again
    best.yaml               the best settings, for `popgym train --config`

All results are read from the trials. Ray Tune's own record of a search is thrown away: it lacks
what the scheduler knows, and could disagree with the runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from popgym.benchmark.store import INDEX as BENCHMARK
from popgym.benchmark.store import SEARCH as INDEX
from popgym.benchmark.tuning.request import Request
from popgym.benchmark.tuning.trial import TuneTrial
from popgym.runs.files import write_text
from popgym.runs.layout import file_name
from popgym.runs.lock import locked

SCHEMA = 1
"""Version of the layout."""
TRIALS, BEST = "trials", "best.yaml"


class TuneFolder:
    """A search on disk."""

    def __init__(self, path: Path, request: Request | None, commands: list[str]) -> None:
        self.path, self._request, self.commands = path, request, commands

    @property
    def request(self) -> Request:
        """What was asked for."""
        assert self._request is not None, "ask first"
        return self._request

    @classmethod
    def open(cls, path: str | Path) -> TuneFolder:
        """Open the folder of a search.

        Raises:
            ValueError: If there is none, it is damaged, or of another version.
        """
        folder = Path(path)
        try:
            data = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            schema, asked, commands = data["schema"], data["request"], list(data["commands"])
            request = Request.from_data(asked) if schema == SCHEMA else None
        except FileNotFoundError:
            raise ValueError(
                f"{folder} is no folder of a search: it has no {INDEX}; `popgym tune` makes one"
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{folder / INDEX} is damaged ({error}): delete it and give the same command "
                "again; the trials are kept"
            ) from error
        if request is None:
            raise ValueError(
                f"{folder} has version {schema!r} of the layout, and this popgym reads version "
                f"{SCHEMA}: use the popgym that wrote it"
            )
        return cls(folder, request, commands)

    @classmethod
    def open_or_create(cls, path: str | Path) -> TuneFolder:
        """Open the folder of a search, which is created if there is none.

        Raises:
            ValueError: As ``open``, or if the folder contains something else.
        """
        folder = Path(path)
        if (folder / INDEX).exists():
            return cls.open(folder)
        ours = (folder / TRIALS).is_dir() and not (folder / BENCHMARK).exists()
        if folder.is_dir() and not ours and any(p.name[0] != "." for p in folder.iterdir()):
            raise ValueError(f"{folder} is not empty and no search: name another --out")
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, None, [])

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from running this search."""
        return locked(self.path, "the search")

    def ask(self, request: Request, command: str) -> None:
        """Say what is wanted: at first a search, later the same one, maybe with more trials.

        Args:
            request: The search.
            command: What the user typed.

        Raises:
            ValueError: If another search was asked for before.
        """
        old = self._request
        if old is not None:
            _refuse_another(self.path, old, request)
            # The space of the first time stays, also if a later version of popgym has another one.
            request = replace(old, trials=max(old.trials, request.trials))
        self._request = request
        if command not in self.commands:
            self.commands.append(command)
        data = {"schema": SCHEMA, "request": request.as_data(), "commands": self.commands}
        write_text(self.path / INDEX, json.dumps(data, indent=2) + "\n")

    def trials(self) -> list[TuneTrial]:
        """Return all trials that are wanted, by number."""
        return list(self._trials())

    def _trials(self) -> Iterator[TuneTrial]:
        asked = self.request
        for number in range(asked.trials):
            settings, path = asked.settings_of(number), self.path / TRIALS / f"{number:03d}"
            yield TuneTrial(asked.env, asked.memory, asked.seed, settings, path)


@contextmanager
def asked(path: str | Path | None, request: Request, command: str) -> Iterator[TuneFolder]:
    """Give the folder of a search, which no other process runs in the meantime.

    Args:
        path: The folder. None means ``runs/tune-ENV-MEMORY``.
        request: The search.
        command: What the user typed.

    Raises:
        ValueError: If the folder has another search, contains something else or is in use.
    """
    names = (file_name(name) for name in (request.env, request.memory))
    where = Path(path) if path is not None else Path("runs") / "-".join(["tune", *names])
    with TuneFolder.open_or_create(where).locked():
        folder = TuneFolder.open_or_create(where)  # as the process before left it
        folder.ask(request, command)
        yield folder


def _refuse_another(folder: Path, old: Request, new: Request) -> None:
    before, now = old.as_data(), new.as_data()
    for name in ("env", "memory", "steps", "seed", "settings", "search"):
        if before[name] != now[name]:
            raise ValueError(
                f"{folder} has a search with {name} = {before[name]!r}, not {now[name]!r}: name "
                "another --out, or give the same command as before"
            )
