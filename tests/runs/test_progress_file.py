import pytest

from popgym.runs.progress_file import ProgressFile, rows_in
from tests.runs.specimens import row

ROWS = [row(1), row(2, return_mean=-0.1), row(3, return_mean=1e-30)]


@pytest.fixture
def file(tmp_path):
    file = ProgressFile(tmp_path / "progress.csv")
    for each in ROWS:
        file.append(each)
    return file


def test_the_text_is_what_the_file_has(file):
    assert file.text() == file.path.read_text()
    assert rows_in(file.text()) == ROWS
    assert ProgressFile(file.path.with_name("none")).text() == ""


def test_a_file_deleted_while_it_is_written_is_written_whole_again(file):
    file.path.unlink()
    file.append(row(4))
    assert file.rows() == [*ROWS, row(4)]


def lines(text, *numbers):
    return "".join(text.splitlines(keepends=True)[number] for number in numbers)


@pytest.mark.parametrize(
    ("damage", "difference"),
    [
        (lambda text: text, ""),
        (lambda text: text + "4,51", ""),  # later rows, even whole ones, are dropped in silence
        (lambda text: text + "4,512,1.0,0,\n", ""),
        (lambda text: text.replace("\n", "\r\n"), ""),
        (lambda text: text[:-3], "lacks 1 of 3 rows"),
        (lambda text: lines(text, 0, 1), "lacks 2 of 3 rows"),
        (lambda text: lines(text, 0, 1, 3), "lacks 1 of 3 rows"),
        (lambda text: "", "lacks 3 of 3 rows"),
        (lambda text: "\0" * 99, "lacks 3 of 3 rows"),
        (lambda text: text + lines(text, 1, 2, 3), "has rows twice"),
        (lambda text: lines(text, 0, 1, 2, 2, 3), "has rows twice"),
        (lambda text: lines(text, 0, 3, 2, 1), "has rows that were changed"),
        (lambda text: text.replace("-0.1", "0.9"), "has rows that were changed"),
    ],
)
def test_whatever_the_file_has_become_it_is_restored_and_said(file, damage, difference):
    saved = file.text()
    file.path.write_text(damage(saved))
    again = ProgressFile(file.path)
    assert again.restore(3, saved) == difference
    assert again.rows() == ROWS
    again.append(row(4))
    assert again.rows() == [*ROWS, row(4)]
    assert again.text() == again.path.read_text()


def test_a_missing_file_is_restored(file):
    saved = file.text()
    file.path.unlink()
    assert ProgressFile(file.path).restore(3, saved) == "is missing"
    assert file.rows() == ROWS


def test_rows_that_are_there_twice_are_kept_once_without_a_copy(file):
    file.path.write_text(file.text() + lines(file.text(), 2, 3))
    file.keep(2)
    assert file.rows() == ROWS[:2]
