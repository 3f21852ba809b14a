"""Without a cluster, ``ray.put`` is short-circuited in the thread that asked for it alone."""

import threading

import pytest
import ray

from popgym.baselines.ppo.no_cluster import without_cluster


@pytest.fixture
def put(monkeypatch):
    def put(value):
        return ("stored", value)

    monkeypatch.setattr(ray, "put", put)
    return put


def test_values_are_passed_as_they_are_also_within_another_context(put):
    value = object()
    with without_cluster():
        with without_cluster():
            assert ray.put(value) is value
        assert ray.put(value) is value
    assert ray.put is put


def test_an_error_leaves_rays_own(put):
    with pytest.raises(KeyError), without_cluster():
        raise KeyError
    assert ray.put is put


def test_other_threads_have_rays_own(put):
    seen = []
    with without_cluster():
        thread = threading.Thread(target=lambda: seen.append(ray.put(1)))
        thread.start()
        thread.join()
    assert seen == [("stored", 1)]


def test_threads_may_leave_in_the_order_in_which_they_came(put):
    inside, may_leave = threading.Event(), threading.Event()

    def first():
        with without_cluster():
            inside.set()
            may_leave.wait()

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait()
    with without_cluster():
        may_leave.set()
        thread.join()
        assert ray.put(1) == 1
    assert ray.put is put
