"""The folder of a benchmark.

::

    benchmark.json                        what was asked for: each suite, in order
    trials/TASK/LABEL/seedN/              a trial: an ordinary run folder
    trials/TASK/LABEL/seedN/evaluation.json   the returns of its evaluation, when it is complete
    trials/TASK/LABEL/seedN.error.json    why it failed, until it is tried again
    fair/...                              the same for the trials that choose a learning rate

All results are read from the trials. ``benchmark.json`` only says which trials are wanted.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popgym.benchmark.suite import Contestant, Suite, label_of, suite_of
from popgym.runs.files import write_text
from popgym.runs.folder import CONFIG, RunFolder
from popgym.runs.lock import is_locked, locked
from popgym.runs.settings import Settings
from popgym.runs.signature import signed_names
from popgym.runs.trust import Trust

SCHEMA = 1
"""Version of the layout and of the columns of ``read``."""
INDEX, TRIALS, FAIR = "benchmark.json", "trials", "fair"
EVALUATION = "evaluation.json"
SEARCH = "tune.json"
"""The index of another kind of folder, of ``popgym.benchmark.tuning``."""

WAITING, RUNNING, STOPPED, DONE, FAILED = "waiting", "running", "stopped", "done", "failed"


@dataclass(frozen=True)
class Trial:
    """One training run of a benchmark."""

    task: str
    label: str
    seed: int
    settings: Settings
    path: Path

    @property
    def name(self) -> str:
        """A name that no other trial of the benchmark has."""
        return "/".join(self.path.parts[-3:])

    @property
    def error_file(self) -> Path:
        """Where its failure is recorded."""
        return self.path.with_name(f"{self.path.name}.error.json")

    @property
    def lock_folder(self) -> Path:
        """A folder beside the run folder whose lock a process holds while it works on the trial."""
        return self.path.with_name(f".{self.path.name}")

    def error(self) -> str:
        """Return why it failed last; empty if it did not."""
        try:
            return str(json.loads(self.error_file.read_text(encoding="utf-8"))["error"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def evaluation(self) -> dict[str, Any] | None:
        """Return the evaluation, or None if there is none yet or its file is damaged."""
        try:
            data = json.loads((self.path / EVALUATION).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(data, dict) or data.get("steps") != self.settings.steps:
            return None
        try:
            complete = all(len(data[name]["returns"]) for name in ("greedy", "sampled"))
            return data if complete and {"parameters", "state_size"} <= set(data) else None
        except (KeyError, TypeError):
            return None

    def status(self, evaluation: Mapping[str, Any] | None = None) -> str:
        """Return waiting, running, stopped (to be resumed), done or failed.

        Args:
            evaluation: What ``evaluation`` returned, if it was called already.
        """
        if (evaluation or self.evaluation()) is not None:
            return DONE
        return self.status_before_end()

    def status_before_end(self) -> str:
        """Return the status of a trial that is not done."""
        if is_locked(self.lock_folder) or is_locked(self.path):
            return RUNNING
        if self.error():
            return FAILED
        return STOPPED if (self.path / CONFIG).exists() else WAITING


class BenchmarkFolder:
    """A benchmark on disk."""

    def __init__(self, path: Path, requests: list[dict[str, Any]], trust: bool = False) -> None:
        self.path, self._requests = path, requests
        self.trust = Trust(everything=trust, root=path, record=path / INDEX)

    @classmethod
    def open(cls, path: str | Path, trust: bool = False) -> BenchmarkFolder:
        """Open the folder of a benchmark. No code is run that it names.

        Args:
            path: The folder.
            trust: Whether the user trusts whoever made it, see ``popgym.runs.trust``.

        Raises:
            ValueError: If there is none, it is damaged, or of another version.
        """
        folder = Path(path)
        try:
            data = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            schema, requests = data["schema"], data["requests"]
        except FileNotFoundError:
            raise ValueError(
                f"{folder} is no benchmark folder: it has no {INDEX}; `popgym benchmark` makes one"
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{folder / INDEX} is damaged ({error}): delete it and give the same command "
                "again; the trials are kept"
            ) from error
        if schema != SCHEMA:
            raise ValueError(
                f"{folder} has version {schema!r} of the layout, and this popgym reads version "
                f"{SCHEMA}: use the popgym that wrote it"
            )
        return cls(folder, requests, trust)

    @classmethod
    def open_or_create(cls, path: str | Path, trust: bool = False) -> BenchmarkFolder:
        """Open the folder of a benchmark, which is created if there is none.

        Args:
            path: The folder.
            trust: As in ``open``.

        Raises:
            ValueError: As ``open``, or if the folder contains something else.
        """
        folder = Path(path)
        if (folder / INDEX).exists():
            return cls.open(folder, trust)
        ours = any((folder / name).is_dir() for name in (TRIALS, FAIR))
        ours = ours and not (folder / SEARCH).exists()
        if folder.is_dir() and not ours and any(p.name[0] != "." for p in folder.iterdir()):
            raise ValueError(f"{folder} is not empty and no benchmark: name another --out")
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, [], trust)

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from running this benchmark."""
        return locked(self.path, "the benchmark")

    def request(self, data: Mapping[str, Any], command: str) -> None:
        """Add the trials of a suite to those that are wanted.

        Args:
            data: The suite as a table, see ``suite_of``.
            command: What the user typed, for the report.

        Raises:
            ValueError: If the suite is wrong, or a trial exists with other settings.
        """
        suite = suite_of(data)
        wanted = {trial.path.parent: (old, trial) for old, trial in self.wanted()}
        for trial in trials_of(suite, self.path / TRIALS):
            if trial.path.parent in wanted:
                old, known = wanted[trial.path.parent]
                _refuse_other_settings(trial, known.settings)
                _refuse_other_fairness(trial, suite, old)
        request = {"suite": dict(data), "command": command}
        if request["suite"] not in [each["suite"] for each in self._requests]:
            self._requests.append(request)
            self.suites.append(suite)
            index = {"schema": SCHEMA, "requests": self._requests}
            index |= signed_names(filter(self.trust.allows, self._code()))
            write_text(self.path / INDEX, json.dumps(index, indent=2) + "\n")

    def check_code(self) -> None:
        """Check that the user's own classes may be imported, which the trials do.

        Raises:
            UntrustedError: If the folder names one that is not trusted.
        """
        for name in self._code():
            self.trust.check(name, self.path / INDEX)

    def _code(self) -> list[str]:
        """Return the names of the user's own classes, ``module:Class``."""
        return sorted({name for trial in self.trials() for name in trial.settings.code})

    @functools.cached_property
    def suites(self) -> list[Suite]:
        """The suites that were asked for. Their names were checked then."""
        return [suite_of(each["suite"], check=False) for each in self._requests]

    def wanted(self) -> list[tuple[Suite, Trial]]:
        """Return all trials, each once and with its suite; every task's first seed comes first."""
        found: dict[Path, tuple[Suite, Trial]] = {}
        for suite in self.suites:
            for trial in trials_of(suite, self.path / TRIALS):
                found.setdefault(trial.path, (suite, trial))
        return sorted(found.values(), key=lambda pair: pair[1].seed)

    def trials(self) -> list[Trial]:
        """Return all trials, in the order of ``wanted``."""
        return [trial for _, trial in self.wanted()]

    @property
    def commands(self) -> list[str]:
        """What the user typed."""
        return [each["command"] for each in self._requests]


def trials_of(suite: Suite, folder: Path) -> Iterator[Trial]:
    """Yield the trials of a suite, whose run folders are in ``folder``."""
    for seed in suite.seeds:
        for task in suite.tasks:
            for contestant in suite.contestants:
                yield trial_of(suite, task, contestant, seed, folder)


def trial_of(suite: Suite, task: str, contestant: Contestant, seed: int, folder: Path) -> Trial:
    """Return one trial of a suite."""
    path = folder / label_of(task) / contestant.label / f"seed{seed}"
    settings = suite.settings_of(task, contestant, seed)
    return Trial(task, contestant.label, seed, settings, path)


def _refuse_other_settings(trial: Trial, wanted: Settings) -> None:
    old, new = wanted.as_dict(), trial.settings.as_dict()
    for name in new:
        if name != "seed" and old[name] != new[name]:
            raise ValueError(
                f"{trial.task}/{trial.label} is in this benchmark with {name} = {old[name]!r}, not "
                f"{new[name]!r}: name another --out, or give the contestant another label"
            )


def _refuse_other_fairness(trial: Trial, new: Suite, old: Suite) -> None:
    if new.fair != old.fair:
        raise ValueError(
            f"{trial.task}/{trial.label} is in this benchmark with fair = {old.fair}, not "
            f"{new.fair}: name another --out, or give the contestant another label"
        )


def run_of(trial: Trial) -> RunFolder | None:
    """Return the run folder of a trial, or None if it has not begun."""
    return RunFolder.open(trial.path) if (trial.path / CONFIG).exists() else None
