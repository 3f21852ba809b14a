"""Environments given in Python, and what of a name travels to another process."""

import functools
import pickle
import sys
import threading

import gymnasium as gym
import pytest

import popgym.envs
from popgym.core.vector import POPGymVectorEnv
from popgym.runs.environment import looking_at, make_environments, make_one
from popgym.runs.errors import BrokenEnvironmentError
from popgym.runs.evaluate import evaluate
from popgym.runs.names import found
from popgym.runs.source import source_of
from tests.baselines.ppo.toys import Countdown, Guess
from tests.runs.specimens import policy


class Sized(Countdown):
    def __init__(self, size=1):
        self.size = size


def elsewhere(source):
    """The source as another process receives it."""
    return pickle.loads(pickle.dumps(source))


def local_class():
    class Local(Countdown):
        pass

    return Local


LOCAL = local_class()


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ("CartPole-v1", "CartPole-v1"),
        (Countdown, "tests.baselines.ppo.toys:Countdown"),
        (popgym.envs.RepeatPreviousEasy, "RepeatPreviousEasy"),
        (LOCAL, "Local (callable)"),
        (local_class, "local_class (callable)"),
        (functools.partial(Sized, 3), "Sized (callable)"),
        (lambda: Sized(3), "lambda (callable)"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_a_source_has_a_name_to_read(env, name):
    assert source_of(env).name == name
    assert source_of(source_of(env)).name == name


@pytest.mark.parametrize("env", [Countdown(), 3, None], ids=["made", "number", "nothing"])
def test_what_makes_no_environment_is_refused_with_what_to_pass(env):
    with pytest.raises(TypeError, match=r"env must be a name or a callable .*lambda: MyEnv\(3\)"):
        source_of(env)


def test_a_vector_environment_is_refused_as_one_already_made():
    with pytest.raises(TypeError, match="got an environment instance"):
        source_of(make_environments("RepeatPreviousEasy", 2))


@pytest.mark.parametrize("vectorization", ["sync", "async"])
def test_a_callable_makes_all_environments_with_its_options(vectorization):
    options = {"size": 5}
    many = make_environments(lambda size: Sized(size), 3, options, vectorization)
    assert many.get_attr("size") == (5, 5, 5)
    many.close()


def test_a_class_of_ours_keeps_its_vector_form():
    many = make_environments(popgym.envs.RepeatPreviousEasy, 2)
    assert isinstance(many.unwrapped, POPGymVectorEnv)


def test_a_callable_that_returns_one_and_the_same_is_refused():
    env = Countdown()
    with pytest.raises(ValueError, match="returned the same environment twice; return a new one"):
        make_environments(lambda: env, 2)


@pytest.mark.parametrize("made", [{}, make_environments("CartPole-v1", 1)], ids=["dict", "vector"])
def test_a_callable_that_makes_something_else_is_refused(made):
    with pytest.raises(ValueError, match=r"must be a single gymnasium\.Env, got"):
        make_one(lambda: made)


def test_a_callable_plays_in_an_evaluation():
    player = policy(Guess.observation_space, Guess.action_space)
    given, named = (
        evaluate(player, env, episodes=8).returns.tolist()
        for env in (lambda: Guess(), "tests.baselines.ppo.toys:Guess")
    )
    assert given == named


# ---- travelling


@pytest.fixture
def registered():
    """Registers an id as a script does; forgets it as another process would."""
    names = []

    def _register(name, entry_point, **kwargs):
        names.append(name)
        gym.register(name, entry_point, **kwargs)

    yield _register
    for name in names:
        gym.registry.pop(name, None)


def test_a_callable_travels():
    assert make_one(elsewhere(source_of(lambda: Sized(3)))).size == 3
    assert type(make_one(elsewhere(source_of(LOCAL)))).__name__ == "Local"


def test_an_id_travels_with_its_registration(registered):
    registered("Script-v0", Countdown, max_episode_steps=2)
    source = source_of("Script-v0")
    travelling = pickle.dumps(source)
    assert make_one(source).spec.max_episode_steps == 2
    gym.registry.pop("Script-v0")
    with pytest.raises(ValueError, match="there is no environment 'Script-v0'"):
        make_one("Script-v0")
    assert make_one(pickle.loads(travelling)).spec.max_episode_steps == 2


def test_an_id_of_a_class_in_the_script_itself_travels(registered, monkeypatch):
    with monkeypatch.context() as script:
        script.setattr(sys.modules["__main__"], "InScript", LOCAL, raising=False)
        registered("Script-v0", "__main__:InScript")
        travelling = pickle.dumps(source_of("Script-v0"))
    gym.registry.pop("Script-v0")
    assert type(make_one(pickle.loads(travelling)).unwrapped).__name__ == "Local"


def test_a_callable_that_cannot_travel_says_so_and_plays_where_it_is():
    lock = threading.Lock()
    source = source_of(lambda: Sized(lock))
    assert make_one(source).size is lock
    with pytest.raises(ValueError, match=r"lambda \(callable\) cannot be sent .*use module:Class"):
        source.pack()


def test_what_could_not_travel_is_asked_for_again_where_it_is_missing():
    lock = threading.Lock()
    arrived = elsewhere(source_of(lambda: Sized(lock)))
    with pytest.raises(
        ValueError, match=r"was given in Python, .*popgym\.resume\(path, env=\.\.\.\)"
    ):
        found(arrived)


# ---- whose fault it is


class OwnFault(Countdown):
    def __init__(self, size=1):
        self.size = len(size)


class PassesOn(Sized):
    def __init__(self, **options):
        super().__init__(**options)


class NeedsSize(Countdown):
    def __init__(self, size):
        self.size = size


class CannotBeClosed(Countdown):
    def close(self):
        raise OSError("the door is stuck")


@pytest.mark.parametrize(
    "make", [make_one, lambda env, options: make_environments(env, 2, options)]
)
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("env", "options", "error", "message"),
    [
        (Sized, {"colour": 1}, ValueError, r"with options {'colour': 1}: .*unexpected .*'colour'"),
        (PassesOn, {"colour": 1}, ValueError, r"with options {'colour': 1}: .*'colour'"),
        (NeedsSize, {}, ValueError, r"NeedsSize.* missing 1 required .*'size'"),
        (OwnFault, {}, BrokenEnvironmentError, "cannot be made: TypeError: object of type 'int'"),
        (
            OwnFault, {"size": 2}, BrokenEnvironmentError,
            r"with options {'size': 2} cannot be made: TypeError: object of type 'int' has no len",
        ),
    ],
)  # fmt: skip
def test_refused_options_are_told_from_what_fails_inside(
    registered, make, named, env, options, error, message
):
    if named:
        registered("Script-v0", env)
    with pytest.raises(error, match=message):
        make("Script-v0" if named else env, options)


def test_an_environment_that_cannot_be_closed_is_named():
    with (
        pytest.raises(BrokenEnvironmentError, match=r"in close\(\): OSError: the door is stuck"),
        looking_at(CannotBeClosed),
    ):
        pass


def test_environments_made_before_one_that_fails_are_closed():
    closed = []

    class Third(Countdown):
        def __init__(self):
            if len(made) == 2:
                raise OSError("no room")
            made.append(self)

        def close(self):
            closed.append(self)

    made = []
    with pytest.raises(BrokenEnvironmentError, match="cannot be made: OSError: no room"):
        make_environments(lambda: Third(), 4)
    assert closed == made and len(made) == 2
