import shutil

import pytest

from popgym.runs.checkpoints import Checkpoints

NEEDED = ("weights",)


@pytest.fixture
def checkpoints(tmp_path):
    found = Checkpoints(tmp_path / "checkpoints")
    for iteration in (1, 2, 3):
        with found.new(iteration, {"progress.csv": f"{iteration}"}) as path:
            path.mkdir()
            (path / "weights").write_bytes(b"weights")
    return found


def test_the_newest_counts_if_nothing_is_damaged(checkpoints):
    checkpoint, passed = checkpoints.sound(NEEDED)
    assert (checkpoint.iteration, passed) == (3, {})
    assert checkpoint.progress() == "3"
    assert checkpoint.verifiable


def test_a_damaged_one_is_passed_over_and_named(checkpoints):
    newest = checkpoints.all()[-1].path
    (newest / "weights").write_bytes(b"weightz")
    checkpoint, passed = checkpoints.sound(NEEDED)
    assert checkpoint.iteration == 2
    assert passed == {newest: "weights does not have the bytes that were written"}


def test_a_manifest_cannot_be_left_out_to_hide_damage(checkpoints):
    (checkpoints.all()[-1].path / "manifest.json").unlink()
    checkpoint, passed = checkpoints.sound(NEEDED)
    assert checkpoint.iteration == 2
    assert [*passed.values()] == ["manifest.json is missing"]


def test_a_link_is_not_a_checkpoint(checkpoints, tmp_path):
    newest = checkpoints.all()[-1].path
    newest.rename(tmp_path / "elsewhere")
    newest.symlink_to(tmp_path / "elsewhere")
    checkpoint, passed = checkpoints.sound(NEEDED)
    assert checkpoint.iteration == 2
    assert [*passed.values()] == ["it is a link"]


def test_one_of_an_earlier_version_needs_the_files_that_are_read(checkpoints):
    for _, path in checkpoints.all():
        for name in ("manifest.json", "progress.csv"):
            (path / name).unlink()
    checkpoint, _ = checkpoints.sound(NEEDED)
    assert not checkpoint.verifiable
    assert checkpoint.settings() is checkpoint.progress() is None
    (checkpoint.path / "weights").unlink()
    checkpoint, passed = checkpoints.sound(NEEDED)
    assert checkpoint.iteration == 2
    assert [*passed.values()] == ["weights is missing"]


def test_if_none_is_sound_all_are_named_with_their_damage(checkpoints):
    for _, path in checkpoints.all():
        (path / "weights").unlink()
    with pytest.raises(ValueError, match=r"iteration-000003: weights is missing; .*000001: .*copy"):
        checkpoints.sound(NEEDED)


def test_one_set_aside_no_longer_counts_and_is_not_deleted(checkpoints):
    newest = checkpoints.all()[-1].path
    for _ in range(2):
        aside = checkpoints.set_aside(newest)
        assert [number for number, _ in checkpoints.all()] == [1, 2]
        assert (aside / "weights").read_bytes() == b"weights"
        shutil.copytree(aside, newest)  # made again, and damaged again
    checkpoints.prune()
    assert sorted(path.name for path in checkpoints.path.iterdir()) == [
        "damaged-iteration-000003", "iteration-000002", "iteration-000003",
    ]  # fmt: skip
