from pathlib import Path

import numpy as np
import pytest

from popgym.benchmark import read
from popgym.benchmark.reading import COLUMNS, _of_inspection, read_curve, results, scores_of_curve
from popgym.benchmark.store import BenchmarkFolder
from popgym.benchmark.suite_file import shipped_suites
from popgym.runs.progress_file import ProgressFile

HEADER = "iteration,steps,seconds,episodes,return_mean,eval_return\n"
WHOLE = HEADER + "1,10,0.5,0,,\n2,20,1.0,3,0.25,\n3,30,1.5,2,0.5,0.75\n"


def test_a_curve_is_read_as_the_run_folder_reads_it(tmp_path):
    path = tmp_path / "progress.csv"
    path.write_text(WHOLE)
    expected = [
        [row["steps"], row["seconds"], np.nan if row["return_mean"] is None else row["return_mean"]]
        for row in ProgressFile(path).rows()
    ]
    np.testing.assert_array_equal(read_curve(path), expected)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", 0), (HEADER, 0), (HEADER + "1,10,0.5", 0), ("a,b\n1,2\n", 0),
        (WHOLE + "4,40,2.0,1,0.7", 3),  # cut short
        (WHOLE + "4,40\n5,50,2.5,1,0.5,\n", 4),  # cut, and gone on
        (WHOLE + "4,many,2.0,1,0.5,\n", 3),
        (WHOLE + "\0\0\0\n", 3),
        (WHOLE + "4,,2.0,1,0.5,\n", 3),
    ],
)  # fmt: skip
def test_damaged_lines_are_left_out(tmp_path, text, rows):
    (tmp_path / "progress.csv").write_text(text)
    assert len(read_curve(tmp_path / "progress.csv")) == rows


def test_scores_of_a_curve_by_hand():
    points = [(10, np.nan), (50, 0.9), (90, 0.4), (95, 0.5), (100, 0.7)]
    found = scores_of_curve(points, 100)
    assert found["mmer"] == 0.9
    assert found["last_tenth"] == pytest.approx(0.6)
    assert np.isnan(scores_of_curve([(10, 0.5)], 100)["last_tenth"])
    assert scores_of_curve([(10, np.nan)], 100) == {}


def test_a_benchmark_that_has_not_begun_has_waiting_trials(tmp_path):
    folder = BenchmarkFolder.open_or_create(tmp_path / "b")
    data = {"tasks": ["RepeatFirstEasy"], "memories": ["gru"], "seeds": 2, "steps": 100}
    folder.request(data, "popgym benchmark --seeds 2")
    table = read(folder.path)
    assert list(table.columns) == [*COLUMNS]
    assert table["status"].tolist() == ["waiting", "waiting"]
    assert table["budget"].tolist() == [100, 100]
    found = results(folder.path)
    assert found.curves.empty
    assert found.about["commands"] == ["popgym benchmark --seeds 2"]


def test_a_trial_that_two_folders_have_is_refused(tmp_path):
    data = {"tasks": ["RepeatFirstEasy"], "memories": ["gru"], "seeds": 1, "steps": 100}
    for name in "ab":
        BenchmarkFolder.open_or_create(tmp_path / name).request(data, "")
    with pytest.raises(
        ValueError, match="trial RepeatFirstEasy/gru/seed0 is in two of the folders"
    ):
        read(tmp_path / "a", tmp_path / "b")


def test_the_page_lists_the_columns_and_the_suites():
    page = (Path(__file__).parents[2] / "docs" / "benchmark.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    listed = [(name.strip("`"), meaning) for name, meaning in rows]
    assert listed[-len(COLUMNS) :] == [*COLUMNS.items()]
    assert sorted(name for name, _ in listed[: -len(COLUMNS)]) == shipped_suites()


def test_a_folder_that_is_no_benchmark_is_named(tmp_path):
    with pytest.raises(ValueError, match="is no benchmark folder"):
        read(tmp_path)


def test_what_an_inspection_found_is_read(tmp_path):
    folder = tmp_path / "run" / "inspection"
    folder.mkdir(parents=True)
    numbers = folder / "inspect.json"
    numbers.write_text('{"horizon": {"steps": 3.0}, "worth_of_memory": null}')
    found = _of_inspection(tmp_path / "run")
    assert found["horizon"] == 3 and np.isnan(found["worth_of_memory"])
    numbers.write_text('{"horizon":')
    assert _of_inspection(tmp_path / "run") == {}
    assert _of_inspection(tmp_path) == {}
