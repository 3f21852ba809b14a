"""The loop over environments, written once for all families, and its compilation."""

import functools
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from popgym.core.fingerprint import fingerprint
from popgym.core.rules import Rule, link, rebind, rule

_LOG = logging.getLogger(__name__)

RESET, NEXT_STEP, SAME_STEP, DISABLED = range(4)
"""What a call does: reset, or step in one of gymnasium's autoreset modes."""
NEW, PLAYING, OVER = range(3)
"""An environment's status: never reset, in an episode, after its end."""
KEEP, SAMPLE, GIVEN = range(3)
"""What a reset does to an environment: nothing, a fresh draw, a start from a given draw."""


class Rules(NamedTuple):
    """The rules of a family. `s` is one environment's record, `p` the parameters."""

    sample: Rule
    """`sample(s, p)` draws what is hidden into the fields that `Family.hidden` names."""
    reset: Rule
    """`reset(s, p)` sets all other fields for a new episode; draws nothing."""
    step: Rule
    """`step(s, p, action) -> reward, terminated, truncated`."""
    observe: Rule
    """`observe(s, p, obs)` writes the observation into the row `obs`."""


@rule
def fits(actions: Any, i: int, low: Any, high: Any) -> Any:
    """Whether the action of environment i (a number, or a row of them) is in its space."""
    if actions.ndim == 1:
        return (low[0] <= actions[i]) & (actions[i] <= high[0])
    inside = True
    for j in range(actions.shape[1]):
        inside &= (low[j] <= actions[i, j]) & (actions[i, j] <= high[j])
    return inside


@rule
def can_step(status: Any, actions: Any, i: int, low: Any, high: Any, mode: int) -> Any:
    """Whether environment i is in an episode with a legal action, or will be reset instead."""
    autoreset = (mode == NEXT_STEP) & (status[i] == OVER)
    return autoreset | ((status[i] == PLAYING) & fits(actions, i, low, high))


prange = range
sample = reset = step = observe = None  # a family's rules take the place of these


def drive(
    records: Any, params: Any, status: Any, actions: Any, low: Any, high: Any, obs: Any,
    final_obs: Any, final_records: Any, rewards: Any, terminated: Any, truncated: Any, todo: Any,
    mode: int,
) -> int:  # fmt: skip
    """Resets the environments as `todo` says, or steps them all, as `mode` says.

    Returns −1, or the first environment that cannot be stepped (its action is outside the
    space, its episode is over or was never begun); then nothing has been changed.
    """
    if mode != RESET:
        fine = True
        for i in range(len(records)):  # no early way out, so that it is vectorised
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
    """`drive` with a family's rules in it, from numba's cache on disk if it is there.

    Numba finds a function on disk by its name and does not notice edited globals; a closure
    over compiled functions it never finds again. So the rules are bound as globals of a copy
    of `drive` whose name carries the rules' fingerprint.

    The names also carry the layout. Numba tells record types apart by numbers that each
    process counts anew, so functions compiled for different records in different processes
    may have the same symbol; loaded together, one is silently run in the other's place.

    Args:
        name: The family's, to be read in the names of the cache files.
        rules: The family's.
        layout: The types of the arrays that `drive` will be given, in any notation.
        threads: Whether to share the environments out among numba's threads.

    Raises:
        TypeError: A rule reads something whose changes could not be noticed; see `fingerprint`.
    """
    import numba

    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return functools.partial(interpreted, rules)
    checked = numba.config.BOUNDSCHECK  # type: ignore[attr-defined]
    tag = fingerprint([*rules, can_step], f"{layout} {checked}")
    return compiled_as(f"{name}_{tag}", rules, threads)


@functools.cache
def compiled_as(tag: str, rules: Rules, threads: bool) -> Callable[..., int]:
    """`compiled` under a name that carries all that the code depends on."""
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
    """A compiled `drive` for arrays of these types alone, and a mode.

    It spares numba's search for the types of its arguments, which takes longer than a step of
    one environment. Arguments of other types are not noticed. Where it is not found on disk the
    log is told, for it takes seconds.
    """
    if isinstance(function, functools.partial):  # interpreted
        return function
    import numba

    types = (*map(numba.typeof, arrays), numba.int64)
    with _telling(name):
        return function.compile(types)  # type: ignore[attr-defined]


def _telling(name: str) -> AbstractContextManager[Any]:
    """Within it the log is told when numba begins to compile."""
    from numba.core import event

    class Telling(event.Listener):
        told = False

        def on_start(self, event: Any) -> None:
            if not self.told:  # then come the rules that it calls
                _LOG.info("compiling the rules of %s …", name.removesuffix("Family"))
            self.told = True

        def on_end(self, event: Any) -> None:
            pass

    return event.install_listener("numba:compile", Telling())


def interpreted(rules: Rules, records: Any, params: Any, *arrays: Any) -> int:
    """`drive` uncompiled, for a debugger: what runs under NUMBA_DISABLE_JIT=1."""
    import numpy as np

    scope = {**vars_of_drive(), **rules._asdict(), "can_step": can_step, "prange": range}
    with np.errstate(over="ignore"):  # SplitMix64 counts modulo 2⁶⁴
        return rebind(drive, scope)(records.view(np.recarray), params.view(np.recarray), *arrays)


def vars_of_drive() -> dict[str, int]:
    """The constants that `drive` reads."""
    names = ("RESET", "SAME_STEP", "PLAYING", "OVER", "KEEP", "SAMPLE")
    return {name: globals()[name] for name in names}
