"""The loop over environments, the same for all families, and its compilation."""

import functools
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from popgym.core.fingerprint import fingerprint
from popgym.core.rules import Rule, link, rebind, rule

_LOG = logging.getLogger(__name__)

RESET, NEXT_STEP, SAME_STEP, DISABLED = range(4)
"""The modes of a call: reset, or step in one of Gymnasium's autoreset modes."""
NEW, PLAYING, OVER = range(3)
"""The status of an environment: never reset, in an episode, after the end of an episode."""
KEEP, SAMPLE, GIVEN = range(3)
"""What a reset does to an environment: nothing, begin an episode with a random initial state, or
begin an episode with a given initial state."""


class Rules(NamedTuple):
    """The rules of a family. ``s`` is one environment's record, ``p`` the parameters."""

    sample: Rule
    """``sample(s, p)`` draws the hidden initial state: the fields named in ``Family.hidden``."""
    reset: Rule
    """``reset(s, p)`` sets all other fields for a new episode; it draws no random numbers."""
    step: Rule
    """``step(s, p, action) -> reward, terminated, truncated``."""
    observe: Rule
    """``observe(s, p, obs)`` writes the observation to the row ``obs``."""


@rule
def fits(actions: Any, i: int, low: Any, high: Any) -> Any:
    """Return whether the action of environment i, a number or a row of numbers, is in its space."""
    if actions.ndim == 1:
        return (low[0] <= actions[i]) & (actions[i] <= high[0])
    inside = True
    for j in range(actions.shape[1]):
        inside &= (low[j] <= actions[i, j]) & (actions[i, j] <= high[j])
    return inside


@rule
def can_step(status: Any, actions: Any, i: int, low: Any, high: Any, mode: int) -> Any:
    """Return whether environment i has a legal action in an episode, or will be reset instead."""
    autoreset = (mode == NEXT_STEP) & (status[i] == OVER)
    return autoreset | ((status[i] == PLAYING) & fits(actions, i, low, high))


prange = range
sample = reset = step = observe = None  # replaced with a family's rules


def drive(
    records: Any, params: Any, status: Any, actions: Any, low: Any, high: Any, obs: Any,
    final_obs: Any, final_records: Any, rewards: Any, terminated: Any, truncated: Any, todo: Any,
    mode: int,
) -> int:  # fmt: skip
    """Reset the environments as ``todo`` says, or step all of them; ``mode`` says which.

    Returns:
        −1, or the index of the first environment that cannot be stepped, because its action is
        outside the space, its episode is over or it was never reset. In the latter case no
        environment has changed.
    """
    if mode != RESET:
        fine = True
        for i in range(len(records)):  # no early exit, so that the loop is vectorised
            fine &= can_step(status, actions, i, low, high, mode)
        if not fine:
            for i in range(len(records)):
                if not can_step(status, actions, i, low, high, mode):
                    return i
    for i in prange(len(records)):
        s, p = records[i], params[0]
        begin = todo[i] if mode == RESET else SAMPLE if status[i] == OVER else KEEP
        if begin != KEEP:
            rewards[i], terminated[i], truncated[i] = 0.0, False, False
        elif mode != RESET:
            rewards[i], terminated[i], truncated[i] = step(s, p, actions[i])
            if terminated[i] or truncated[i]:
                status[i] = OVER
                if mode == SAME_STEP:
                    observe(s, p, final_obs[i])
                    final_records[i] = records[i]
                    begin = SAMPLE
        if begin == SAMPLE:
            sample(s, p)
        if begin != KEEP:
            reset(s, p)
            status[i] = PLAYING
        if begin != KEEP or mode != RESET:
            observe(s, p, obs[i])
    return -1


def compiled(name: str, rules: Rules, layout: str, threads: bool = False) -> Callable[..., int]:
    """Return ``drive`` with a family's rules, loaded from numba's cache on disk if possible.

    Numba identifies a cached function by its name and does not detect changed globals. It cannot
    cache a closure over compiled functions. Therefore the rules are the globals of a copy of
    ``drive``, and the name of the copy contains the fingerprint of the rules.

    The name also depends on the types of the arrays. Numba numbers record types in the order in
    which a process creates them. Functions that were compiled for different records in different
    processes can therefore have the same symbol. If one process loads both, one of them would
    silently run in place of the other.

    Args:
        name: The name of the family, which the names of the cache files contain.
        rules: The rules of the family.
        layout: The types of the arrays that ``drive`` will get, in any notation.
        threads: Whether to distribute the environments over numba's threads.

    Raises:
        TypeError: If a rule reads a value whose changes cannot be detected; see ``fingerprint``.
    """
    import numba

    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return functools.partial(interpreted, rules)
    checked = numba.config.BOUNDSCHECK  # type: ignore[attr-defined]
    tag = fingerprint([*rules, can_step], f"{layout} {checked}")
    return compiled_as(f"{name}_{tag}", rules, threads)


@functools.cache
def compiled_as(tag: str, rules: Rules, threads: bool) -> Callable[..., int]:
    """Compile ``drive`` under a name that contains everything on which the code depends."""
    import numba

    from popgym.core.code_cache import keep_on_disk

    def compiler(function: Callable[..., Any]) -> Any:
        function.__qualname__ = f"{tag}.{function.__qualname__}"
        return numba.njit(function)

    done: dict[Rule, Any] = {}
    scope: dict[str, Any] = {n: link(r, compiler, done) for n, r in rules._asdict().items()}
    scope.update(vars_of_drive(), can_step=link(can_step, compiler, done), prange=numba.prange)
    function = rebind(drive, scope)
    function.__qualname__ = f"{tag}.{'threads' if threads else 'drive'}"
    dispatcher = numba.njit(nogil=True, parallel=threads)(function)
    keep_on_disk(dispatcher)
    return dispatcher


def entry_point(
    name: str, function: Callable[..., int], arrays: tuple[Any, ...]
) -> Callable[..., int]:
    """Return a compiled ``drive`` for arrays of exactly these types, and a mode.

    It avoids numba's dispatch on the types of the arguments, which takes longer than a step of one
    environment. It does not check the types of its arguments. If the code is not in the cache, a
    log message says that it is being compiled, because this takes seconds.
    """
    if isinstance(function, functools.partial):  # interpreted
        return function
    import numba

    types = (*map(numba.typeof, arrays), numba.int64)
    with _telling(name):
        return function.compile(types)  # type: ignore[attr-defined]


def _telling(name: str) -> AbstractContextManager[Any]:
    """Return a context manager in which the start of a compilation is logged."""
    from numba.core import event

    class Telling(event.Listener):
        told = False

        def on_start(self, event: Any) -> None:
            if not self.told:  # the rules that it calls are compiled after it
                _LOG.info("compiling the rules of %s …", name.removesuffix("Family"))
            self.told = True

        def on_end(self, event: Any) -> None:
            pass

    return event.install_listener("numba:compile", Telling())


def interpreted(rules: Rules, records: Any, params: Any, *arrays: Any) -> int:
    """Run ``drive`` without compilation, for debugging with NUMBA_DISABLE_JIT=1."""
    import numpy as np

    scope = {**vars_of_drive(), **rules._asdict(), "can_step": can_step, "prange": range}
    with np.errstate(over="ignore"):  # SplitMix64 counts modulo 2⁶⁴
        return rebind(drive, scope)(records.view(np.recarray), params.view(np.recarray), *arrays)


def vars_of_drive() -> dict[str, int]:
    """Return the constants that ``drive`` reads."""
    names = ("RESET", "SAME_STEP", "PLAYING", "OVER", "KEEP", "SAMPLE")
    return {name: globals()[name] for name in names}
