from popgym.benchmark.report import latex_table, markdown_table
from popgym.benchmark.statistics import confidence_note
from tests.benchmark.synthetic import results


def scored():
    """Two memories, the first clearly better in the first of two tasks."""
    made = results(["RepeatFirstEasy", "Mine_v0"], ["gru|a", "l_u"], 3)
    values = {"gru|a": [0.9, 0.91, 0.92], "l_u": [0.1, 0.11, 0.12]}
    for memory, scores in values.items():
        for seed, value in enumerate(scores):
            mine = (made.trials["memory"] == memory) & (made.trials["seed"] == seed)
            made.trials.loc[mine & (made.trials["task"] == "RepeatFirstEasy"), "final_mean"] = value
            made.trials.loc[mine & (made.trials["task"] == "Mine_v0"), "final_mean"] = seed
    return made


def test_a_markdown_table_marks_the_best_only_where_the_interval_says_so():
    lines = markdown_table(scored()).splitlines()
    assert lines[0] == r"| task | gru\|a | l\_u |"
    assert lines[1] == "| --- | ---: | ---: |"
    # 0.91 ± 4.3027 × 0.01 / √3
    assert lines[2] == (
        r"| RepeatFirstEasy | **0.910 \[0.885, 0.935\]** | 0.110 \[0.085, 0.135\] |"
    )
    assert lines[3] == (r"| Mine\_v0 | 1.000 \[−1.484, 3.484\] | 1.000 \[−1.484, 3.484\] |")
    assert lines[-1].endswith(confidence_note(3))


def test_a_latex_table_escapes_names_and_has_a_cell_for_each_memory():
    text = latex_table(scored())
    assert r"Task & gru\textbar{}a & l\_u \\" in text
    assert r"RepeatFirstEasy & \textbf{0.910 [0.885, 0.935]} & 0.110 [0.085, 0.135] \\" in text
    assert r"Mine\_v0 & 1.000 [$-$1.484, 3.484] & 1.000 [$-$1.484, 3.484] \\" in text
    assert text.startswith(r"\begin{tabular}{lrr}")


def test_scores_that_are_missing_are_dashes():
    made = results(["A-v0"], ["gru", "lru"], 1, failed=1)
    assert markdown_table(made).splitlines()[2].startswith("| A-v0 | – | ")


def test_one_seed_has_no_interval():
    row = markdown_table(results(["A-v0"], ["gru"], 1)).splitlines()[2]
    assert "[" not in row
