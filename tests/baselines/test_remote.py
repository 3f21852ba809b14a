"""Errors out of Ray, made as Ray makes them, without a cluster."""

import logging
import pickle

import pytest
from ray.core.generated.common_pb2 import ActorDiedErrorContext
from ray.exceptions import (
    ActorDiedError,
    GetTimeoutError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
    UserCodeException,
)

from popgym.baselines.ppo.rollout import Fault
from popgym.baselines.remote import cause_of, short_logs
from popgym.runs.errors import BrokenEnvironmentError, RunError, TrainingDivergedError


class OwnError(Exception):
    """Of a user."""


class TwoArgumentsError(Exception):
    """Cannot be unpickled."""

    def __init__(self, what, code):
        super().__init__(f"{what}, code {code}")


def in_task(error):
    """As ``ray.get`` raises what a task of an actor has raised."""
    text = f"Traceback (most recent call last):\n  File x\n{type(error).__name__}: {error}"
    made = RayTaskError("update", text, error, "ray::PPOLearner.update", 7, "1.2.3.4")
    return made.as_instanceof_cause()


def in_constructor(error):
    text = f"Traceback (most recent call last):\n{type(error).__name__}: {error}"
    return ActorDiedError(RayTaskError("__init__", text, error, "ray::RolloutRunner", 7, "1.2.3.4"))


def death():
    context = ActorDiedErrorContext(
        class_name="RolloutRunner", actor_id=bytes(16), pid=123, node_ip_address="1.2.3.4",
        error_message="The actor is dead because it was killed by `ray.kill`.",
    )  # fmt: skip
    return ActorDiedError(context)


@pytest.mark.parametrize(
    "error",
    [
        TrainingDivergedError("vf_loss is nan"),
        BrokenEnvironmentError("environment X failed"),
        ValueError("memory gruu"),
        OwnError("mine"),
        KeyError("name"),
    ],
    ids=repr,
)
def test_what_an_actor_has_raised_comes_out_as_it_was(error):
    assert cause_of(in_task(error)) is error
    assert cause_of(in_task(in_task(error))) is error
    assert cause_of(in_constructor(error)) is error
    assert cause_of(in_constructor(in_task(error))) is error
    assert cause_of(error) is error


def test_an_error_in_code_handed_to_ray_comes_out():
    error = UserCodeException("failed")
    error.__cause__ = OwnError("mine")
    assert cause_of(in_task(error)) is error.__cause__


def test_a_lost_actor_is_named_with_the_reason():
    cause = cause_of(death())
    assert type(cause) is RunError
    assert str(cause) == (
        "a Ray actor was lost: a runner (process 123): "
        "The actor is dead because it was killed by `ray.kill`."
    )


def test_an_error_that_cannot_travel_is_told_by_its_text():
    class LockedError(Exception):
        def __reduce__(self):
            raise TypeError("no")

    cause = cause_of(in_task(LockedError("the door is locked")))
    assert (type(cause), str(cause)) == (RunError, "LockedError: the door is locked")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (GetTimeoutError("timed out"), "Ray failed: GetTimeoutError: timed out"),
        (OutOfMemoryError("1 worker\nkilled for memory\n"), "OutOfMemoryError: killed for memory"),
        (RayError("odd"), "Ray failed: RayError: odd"),
    ],
)
def test_another_failure_of_ray_is_told_in_one_line(error, message):
    cause = cause_of(error)
    assert isinstance(cause, RunError)
    assert str(cause).endswith(message)
    assert "\n" not in str(cause)


def test_a_fault_carries_the_error_or_if_it_cannot_its_text():
    error = pickle.loads(pickle.dumps(Fault.of(BrokenEnvironmentError("it is broken")))).error
    assert (type(error), str(error)) == (BrokenEnvironmentError, "it is broken")
    error = pickle.loads(pickle.dumps(Fault.of(TwoArgumentsError("it is stuck", 7)))).error
    assert (type(error), str(error)) == (RunError, "TwoArgumentsError: it is stuck, code 7")


def test_only_lost_actors_are_logged_and_in_one_line(caplog):
    logger = logging.getLogger("ray.rllib.utils.actor_manager")
    with short_logs():
        for error in (death(), in_task(ValueError("raised here too")), in_constructor(OwnError())):
            try:
                raise error
            except RayError as caught:
                logger.error(f"Ray error ({caught}), taking actor 1 out of service.")
            logger.exception(error)
        logger.error("something else")
    assert [record.getMessage() for record in caplog.records] == [
        str(cause_of(death())),
        "something else",
    ]
