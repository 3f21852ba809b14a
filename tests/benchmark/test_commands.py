import pytest

from tests.benchmark.test_compare import run_folder


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "name tasks with --tasks, or a suite with --suite"),
        (["--tasks", "RepeatFirstEasy"], "name memories with --memories"),
        (["--suite", "smok"], "unknown suite 'smok'; did you mean 'smoke'"),
        (["--suite", "none.toml"], "cannot read the suite none.toml"),
        (["--suite", "smoke", "--tasks", "RepeatFristEasy"], "did you mean RepeatFirstEasy"),
        (["--suite", "smoke", "--seeds", "0"], "seeds must be at least 1"),
        (["--suite", "smoke", "--seeds", "4,4"], "a seed is given twice"),
        (["--suite", "smoke", "--set", "lr=2", "--set", "lr=3"], "lr is given twice"),
        (["--suite", "smoke", "--set", "stack_size=2"], "unknown setting 'stack_size'"),
    ],
)
def test_a_mistake_in_a_benchmark_is_one_line_and_makes_no_folder(popgym, tmp_path, argv, message):
    status, out, err = popgym("benchmark", "--out", "b", *argv)
    assert (status, out, len(err)) == (2, [], 1)
    assert message in err[0]
    assert list(tmp_path.iterdir()) == []


def test_two_runs_are_compared_in_a_table_and_a_sentence(popgym, tmp_path):
    for name, mean in (("a", 0.5), ("b", 0.2)):
        run_folder(tmp_path / name, mean)
    status, out, err = popgym("compare", "a", "b")
    assert (status, err) == (0, [])
    assert out[0].split() == ["task", "first", "second", "seeds", "difference", "verdict"]
    assert out[1].split()[:4] == ["RepeatFirstEasy", "0.510", "0.210", "1"]
    assert "+0.300" in out[1] and "one seed: unknown" in out[1]
    assert "a beats b with probability 1.00, without an interval" in " ".join(out[2:])


def test_what_is_no_benchmark_has_no_report(popgym, tmp_path):
    status, out, err = popgym("report", str(tmp_path))
    assert (status, out) == (2, [])
    assert "is no benchmark folder" in err[0]
    assert list(tmp_path.iterdir()) == []
