import csv

import popgym.envs
from popgym.benchmark.report.published import TABLE, best_published


def test_every_published_score_is_of_a_task_of_popgym_and_says_that_it_is_second_hand():
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["task", "model", "score", "source"]
    for row in rows:
        assert popgym.envs.reference_scores(row["task"])
        assert -1 <= float(row["score"]) <= 1
        assert "second hand" in row["source"]


def test_the_best_of_a_task_is_its_highest_score(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text("task,model,score,source\nA,GRU,0.5,x\nA,LMU,0.7,y\nA,MLP,0.1,z\nB,GRU,1,x\n")
    best = best_published(path)
    assert (best["A"].model, best["A"].score, best["A"].source) == ("LMU", 0.7, "y")
    assert set(best) == {"A", "B"}
