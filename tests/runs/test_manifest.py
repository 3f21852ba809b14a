import json

import pytest

from popgym.runs.manifest import MANIFEST, damage_of, is_sealed, seal


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b").write_bytes(b"bytes")
    (tmp_path / "a").write_bytes(b"")
    seal(tmp_path)
    return tmp_path


def test_a_manifest_has_the_name_the_size_and_the_checksum_of_each_file(folder):
    files = json.loads((folder / MANIFEST).read_text())["files"]
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of ""
    assert files["a"] == {"size": 0, "sha256": empty}
    assert files["inner/b"]["size"] == 5
    assert set(files) == {"a", "inner/b"}
    assert is_sealed(folder) and damage_of(folder) == ""


def test_files_that_were_added_later_do_not_count(folder):
    (folder / ".DS_Store").write_text("mine")
    assert damage_of(folder) == ""


@pytest.mark.parametrize(
    ("content", "damage"),
    [
        (b"byte", "inner/b has 4 bytes, where 5 were written"),
        (b"bytez", "inner/b does not have the bytes that were written"),
        (None, "inner/b is missing"),
    ],
)
def test_a_file_that_differs_is_named(folder, content, damage):
    (folder / "inner" / "b").unlink()
    if content is not None:
        (folder / "inner" / "b").write_bytes(content)
    assert damage_of(folder) == damage


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"files": [1]}', b'{"files": {"a": 3}}', b'{"files": {"a": {}}}',
     b"\xff\xfe"],
)  # fmt: skip
def test_a_manifest_that_is_none_is_damage_and_not_an_error(folder, content):
    (folder / MANIFEST).write_bytes(content)
    assert damage_of(folder) == f"{MANIFEST} is damaged"


def test_a_missing_manifest_is_damage(folder):
    (folder / MANIFEST).unlink()
    assert not is_sealed(folder)
    assert damage_of(folder) == f"{MANIFEST} is missing"
