import pytest

from popgym.runs import files
from popgym.runs.files import remove_leftovers, replacing


def test_a_file_appears_whole_when_the_block_ends(tmp_path):
    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("new")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_folder_takes_the_place_of_the_old_one_with_all_it_held(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").write_text("old")
    with replacing(tmp_path / "a") as temporary:
        temporary.mkdir()
        (temporary / "new").write_text("new")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failing_block_leaves_what_was_there(tmp_path, error):
    (tmp_path / "a").write_text("old")
    with pytest.raises(error), replacing(tmp_path / "a") as temporary:
        temporary.write_text("half")
        raise error
    assert (tmp_path / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_failing_block_leaves_the_old_folder(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="disk"), replacing(tmp_path / "a") as temporary:
        temporary.mkdir()
        raise OSError("disk full")
    assert list((tmp_path / "a").iterdir()) == []
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_folder_whose_successor_cannot_be_moved_there_is_put_back(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").write_text("old")
    original, calls = files.os.replace, []

    def fail_the_second(*paths):
        calls.append(paths)
        if len(calls) == 2:
            raise OSError("disk full")
        original(*paths)

    monkeypatch.setattr(files.os, "replace", fail_the_second)
    with pytest.raises(OSError, match="disk"), replacing(tmp_path / "a") as temporary:
        temporary.mkdir()
    assert (tmp_path / "a" / "old").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def leave(folder, name, *inside):
    for each in inside:
        (folder / name / each).mkdir(parents=True)


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    leave(tmp_path, ".policy-abc_1234", "new")
    leave(tmp_path, ".iteration-000007-abcd1234", "new", "old")
    (tmp_path / "iteration-000007").mkdir()
    leave(tmp_path, ".policy-original", "mine")  # not made by ``replacing``
    leave(tmp_path, ".other-abcd1234", "new")
    leave(tmp_path, ".policy-long-ago", "new")
    (tmp_path / ".policy-linked12").symlink_to(tmp_path / ".other-abcd1234")
    remove_leftovers(tmp_path, ["policy", "iteration-*"])
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        ".other-abcd1234", ".policy-linked12", ".policy-long-ago", ".policy-original",
        "iteration-000007",
    ]  # fmt: skip


def test_a_folder_that_was_being_replaced_is_put_back(tmp_path):
    leave(tmp_path, ".policy-abcd1234", "new", "old/precious")
    remove_leftovers(tmp_path, ["policy"])
    assert [p.name for p in tmp_path.iterdir()] == ["policy"]
    assert (tmp_path / "policy" / "precious").is_dir()
