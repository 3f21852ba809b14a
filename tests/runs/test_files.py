import pytest

from popgym.runs.files import replacing


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
