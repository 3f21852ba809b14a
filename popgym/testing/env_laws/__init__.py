"""The laws that environments obey, one function each.

Here belong the laws, grouped by what they apply to, and what they share: making environments,
playing them and comparing results. They may import the rooms that ``popgym.testing`` may import,
except ``popgym.memory``.

A test suite for your own environment::

    import pytest
    from popgym.testing import ENV_LAWS


    @pytest.mark.parametrize("law", ENV_LAWS)
    def test_my_family_obeys(law):
        ENV_LAWS[law](MyFamily)
"""

from collections.abc import Callable
from functools import wraps

from popgym.testing.env_laws import of_any, of_hiding, of_many, of_play
from popgym.testing.env_laws.comparison import Unlawful
from popgym.testing.env_laws.trial import MakeEnv, Trial
from popgym.testing.laws import LawBroken

__all__ = ["ENV_LAWS", "check_env"]

Law = Callable[[MakeEnv], None]

_OF_DECLARATIONS = (of_play.the_declaration_is_complete, of_play.the_parameters_stay)
_OF_ANY = (
    of_any.it_has_gymnasiums_interface,
    of_any.observations_lie_in_their_space,
    of_any.rewards_are_finite,
    of_any.the_global_random_numbers_are_left_alone,
    of_any.a_seed_decides_everything,
    of_any.an_episode_forgets_those_before,
    of_any.a_reset_without_a_seed_goes_on,
    of_any.episodes_end_in_time,
    of_any.what_was_returned_stays,
    of_any.states_lie_in_their_space,
    of_any.info_tells_nothing,
)
_OF_FAMILIES = (
    of_play.returns_lie_in_their_bounds,
    of_play.actions_outside_are_refused,
    of_play.steps_outside_an_episode_are_refused,
    of_play.a_snapshot_brings_back_the_future,
    of_play.copies_carry_on,
    of_many.neighbours_change_nothing,
    of_many.the_place_changes_nothing,
    of_many.one_lives_as_among_many,
    of_many.autoreset_modes_agree,
    of_many.threads_change_nothing,
    of_many.compiled_rules_play_as_plain_ones,
    of_hiding.a_hidden_draw_can_be_given,
    of_hiding.wrong_hidden_draws_are_refused,
    of_hiding.texts_hide_and_reveal,
    of_hiding.pictures_hide_and_reveal,
)


def _named(law: Callable[[Trial], None]) -> Law:
    """Return the law as a function of ``make`` whose errors are ``LawBroken``."""

    @wraps(law)
    def checked(make: MakeEnv) -> None:
        try:
            trial = Trial(make)
            if law in _OF_ANY or trial.family is not None:
                law(trial)
        except Unlawful as seen:
            raise LawBroken(law.__name__, str(seen)) from seen.__cause__
        except Exception as error:
            message = f"raised {type(error).__name__}: {error}"
            raise LawBroken(law.__name__, message) from error

    return checked


ENV_LAWS: dict[str, Law] = {
    law.__name__: _named(law) for law in (*_OF_DECLARATIONS, *_OF_ANY, *_OF_FAMILIES)
}
"""The laws by name. A law takes the argument of ``check_env`` and raises ``LawBroken``."""


def check_env(make: MakeEnv) -> None:
    """Check that an environment obeys every law that applies to it.

    Environments that are not made of a popgym ``Family`` are checked only for what gymnasium
    requires: types, spaces, seeds, episode lengths.

    Args:
        make: A ``Family`` or its class; the id of an environment; or a function or class that
            returns a new ``gymnasium.Env`` at each call. If the environment's class has an
            attribute ``vector_class``, this vector environment is checked too.

    Raises:
        LawBroken: If a law is broken: the first one, with what was observed. It is an
            ``AssertionError``.
        TypeError: If ``make`` is none of these.
        ValueError: If there is no environment of that name.
    """
    Trial(make)
    for law in ENV_LAWS.values():
        law(make)
