"""Compiled code on disk: whatever becomes of the files, the code runs and is kept again."""

import errno
import os
import pickle
from pathlib import Path

import numba
import pytest
from numba.core.caching import IndexDataCacheFile

from popgym.core.code_cache import keep_on_disk


def add_three(x):
    return x + 3


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def run():
    """Compiles or loads the function, as a new process would; whether it came from the disk."""
    dispatcher = numba.njit(add_three)
    keep_on_disk(dispatcher)
    assert dispatcher(4) == 7
    return sum(dispatcher.stats.cache_hits.values()) == 1


def file(folder, suffix):
    (path,) = folder.rglob(f"*{suffix}")
    return path


def empty(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garble(path):
    path.write_bytes(bytes(range(256)) * 20)


def zero_the_end(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def fill_with_something_else(path):
    path.write_bytes(pickle.dumps({"this": "is no code"}))


def fill_with_what_cannot_be_imported(path):
    path.write_bytes(b"cno_such_module\nThing\n.")


def make_a_folder(path):
    path.unlink()
    path.mkdir()


def make_a_dead_link(path):
    path.unlink()
    path.symlink_to(path.parent / "nowhere" / "at all")


def remove(path):
    path.unlink()


DAMAGES = (
    empty, cut, garble, zero_the_end, flip_a_bit, fill_with_something_else,
    fill_with_what_cannot_be_imported, make_a_folder, make_a_dead_link, remove,
)  # fmt: skip


def test_code_is_found_on_disk(folder):
    assert [run(), run()] == [False, True]
    assert len(list(folder.rglob("*.nb?"))) == 2


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_replaced(folder, damage, suffix):
    run()
    damage(file(folder, suffix))
    assert [run(), run()] == [False, True]
    assert not list(folder.rglob("*.tmp*"))


def test_both_files_may_be_damaged(folder):
    run()
    for suffix in (".nbi", ".nbc"):
        make_a_folder(file(folder, suffix))
    assert [run(), run()] == [False, True]


def test_files_of_other_functions_stay(folder):
    run()
    index = file(folder, ".nbi")
    neighbours = [index.with_name(name) for name in ("other.nbi", f"x{index.name}", "notes.txt")]
    for path in neighbours:
        path.write_text("not ours")
    empty(index)
    run()
    assert [path.read_text() for path in neighbours] == ["not ours"] * 3


@pytest.mark.parametrize("name", ["_save_index", "_save_data"])
def test_on_a_full_disk_the_code_is_used_without_being_kept(folder, monkeypatch, name):
    def refuse(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(IndexDataCacheFile, name, refuse)
        assert [run(), run()] == [False, False]
    assert [run(), run()] == [False, True]


def test_a_folder_that_vanishes_is_made_again(folder):
    run()
    for path in folder.rglob("*.nb?"):
        path.unlink()
    Path(next(folder.iterdir())).rmdir()
    assert [run(), run()] == [False, True]


def test_code_that_cannot_be_compiled_is_still_an_error(folder):
    dispatcher = numba.njit(lambda x: x.nothing)
    keep_on_disk(dispatcher)
    with pytest.raises(numba.TypingError):
        dispatcher(1)
