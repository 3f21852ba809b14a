import json
import time

import numpy as np
import pytest

from popgym.benchmark.report import write_page
from popgym.benchmark.statistics import confidence_note
from tests.benchmark.synthetic import results
from tests.pages.parsing import Page

EVIL = "</script><script>alert('x')</script><!--"
TASKS = ["RepeatFirstEasy", "RepeatPreviousMedium", "Mine-v0"]


def written(made, tmp_path, **options):
    return Page(write_page(made, tmp_path / "page.html", **options))


def test_the_page_has_a_row_for_each_memory_and_cells_for_each_task(tmp_path):
    page = written(results(TASKS, ["gru", "lru"], 3), tmp_path)
    assert page.open == []
    assert [row[0] for row in page.tables["ranking"]] == ["Memory", "gru", "lru"]
    assert [len(row) for row in page.tables["heat-map"]] == [3, 3, 3, 3]
    assert len(page.tables["score-table"]) == 1 + 3 * 2
    assert "2 memories · 3 tasks · 3 seeds · 1 M steps a trial" in page.text


def test_names_that_look_like_markup_stay_text(tmp_path):
    made = results([TASKS[0], EVIL], [EVIL, "gru"], 2, failed=1)
    made.trials.loc[0, "error"] = EVIL
    made.about |= {"machine": EVIL, "commands": [EVIL], "versions": {EVIL: EVIL}}
    made.trials["settings"] = json.dumps({EVIL: EVIL})
    page = written(made, tmp_path, title=EVIL)
    scripts = [attributes for name, attributes in page.tags if name == "script"]
    assert len(scripts) == 7  # the data, plotly, two of all pages, three of this one
    assert page.tables["ranking"][1][0] == EVIL
    assert page.tables["failures"][1][1] == EVIL
    assert page.tables["settings"][1][:2] == [EVIL, EVIL]
    assert json.loads(page.data)["memories"][0] == EVIL
    assert page.text.count(EVIL) > 8


def test_the_page_names_no_address_to_load_from(tmp_path):
    page = written(results(TASKS, ["gru"], 2), tmp_path)
    assert not [a for _, a in page.tags if {"src", "srcset", "data"} & set(a)]
    assert all(a["href"].startswith("#") for _, a in page.tags if "href" in a)


def test_figures_and_tables_have_texts(tmp_path):
    page = written(results(TASKS, ["gru", "lru"], 2), tmp_path)
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    plots = [a for _, a in page.tags if a.get("class", "").startswith("plot")]
    assert len(plots) == 5
    assert all(a["aria-describedby"] in ids and a["role"] == "img" for a in plots)
    names = [name for name, _ in page.tags]
    assert names.count("caption") == names.count("table") == 5
    assert names.count("figcaption") == names.count("figure") == 5


def test_few_seeds_are_warned_of_in_words(tmp_path):
    page = written(results(TASKS, ["gru", "lru"], 1), tmp_path)
    assert confidence_note(1) in page.text
    assert "with one seed it is unknown" in page.text
    page = written(results(TASKS, ["gru", "lru"], 3, failed=1), tmp_path)
    assert "Some scores are of 2 seeds only." in page.text


def test_tasks_that_cannot_be_normalised_are_named(tmp_path):
    page = written(results(TASKS, ["gru", "lru"], 2), tmp_path)
    assert "Scores of Mine-v0 are shown raw and left out of all averages" in page.text
    assert page.tables["ranking"][1][5] == "2 of 2"


def test_trials_with_different_budgets_are_warned_of(tmp_path):
    made = results(TASKS, ["gru", "lru"], 2)
    made.trials.loc[0, "budget"] = 5
    page = written(made, tmp_path)
    assert "Do not compare scores in RepeatFirstEasy" in page.text


def test_failed_trials_are_shown_with_their_errors(tmp_path):
    page = written(results(TASKS, ["gru"], 2, failed=2), tmp_path)
    assert [row[:2] for row in page.tables["failures"][1:]] == [
        ["RepeatFirstEasy/gru/seed0", "RuntimeError: the simulator broke"],
        ["RepeatPreviousMedium/gru/seed0", "RuntimeError: the simulator broke"],
    ]
    assert "4 done" in page.text and "2 failed" in page.text


def test_published_scores_are_beside_those_of_their_tasks(tmp_path):
    page = written(results(TASKS, ["gru"], 2), tmp_path)
    head, *rows = page.tables["score-table"]
    column = head.index("Published MMER")
    assert [row[column] for row in rows] == ["1.000 several*", "0.789 LMU*", "–"]
    assert "copied second hand" in page.text


def test_all_scores_are_those_of_the_trials(tmp_path):
    made = results(["RepeatFirstEasy"], ["gru"], 1)
    columns = ["final_mean", "sampled_mean", "last_tenth", "mmer", "mmer_excess"]
    made.trials[columns] = [[0.5, 0.25, 0.125, 0.75, 0.5]]
    row = written(made, tmp_path).tables["score-table"][1]
    assert row[2:8] == ["1", "0.500", "0.250", "0.125", "0.750", "0.250"]


def test_settings_name_the_trials_that_have_them(tmp_path):
    made = results(TASKS, ["gru", "lru"], 2)
    nested = {"network": {"actor": [128, 128]}}
    made.trials.loc[made.trials["task"] == "Mine-v0", "settings"] = json.dumps(nested)
    made.trials.loc[0, "settings"] = "{damaged"
    rows = written(made, tmp_path).tables["settings"][1:]
    assert ["network.actor", "[128, 128]", "4 trials: Mine-v0"] in rows
    assert ["unreadable", "{damaged", "1 trial: gru, RepeatFirstEasy"] in rows


@pytest.mark.parametrize("status", ["waiting", "running", "failed"])
def test_a_page_can_be_written_before_any_trial_is_finished(tmp_path, status):
    made = results(TASKS, ["gru", "lru"], 2)
    made.trials["status"] = status
    made.trials[["final_mean", "sampled_mean", "last_tenth", "mmer", "seconds"]] = np.nan
    made.curves = made.curves.iloc[:0]
    page = written(made, tmp_path)
    assert "No memory can be ranked" in page.text
    assert f"12 {status}" in page.text


def test_an_empty_table_of_trials_is_refused(tmp_path):
    made = results(TASKS, ["gru"], 1)
    made.trials = made.trials.iloc[:0]
    with pytest.raises(ValueError, match="there is no trial to report"):
        write_page(made, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_the_data_hold_what_the_figures_draw(tmp_path):
    made = results(TASKS, ["gru", "lru"], 2, points=300)
    made.trials["parameters"] = np.nan
    data = json.loads(written(made, tmp_path).data)
    assert [task["name"] for task in data["tasks"]] == TASKS
    curve = data["tasks"][0]["curves"][1]
    assert curve["memory"] == 1 and len(curve["value"]) == len(curve["reach"]) == 200
    assert data["tasks"][2]["floor"] is None
    assert len(data["profiles"][0]["value"]) == len(data["thresholds"])
    assert data["costs"][0]["parameters"] is None
    final = made.curves[made.curves["trial"].str.startswith("RepeatFirstEasy/lru")]
    last = final[final["steps"] == final["steps"].max()]["mean_return"].mean()
    assert curve["value"][-1] == pytest.approx(last, abs=0.05)


@pytest.mark.slow
def test_two_thousand_trials_fit_ten_megabytes_and_twenty_seconds(tmp_path):
    from popgym.envs.scores import measured

    made = results(list(measured())[:42], [f"m{i}" for i in range(16)], 3, points=300)
    assert len(made.trials) == 2016
    start = time.process_time()
    path = write_page(made, tmp_path / "page.html")
    assert time.process_time() - start < 20
    assert path.stat().st_size < 10_000_000


def test_inspected_trials_have_a_table(tmp_path):
    made = results(TASKS, ["gru", "lru"], 2)
    assert "Does it remember?" not in written(made, tmp_path).text
    made.trials.loc[made.trials["memory"] == "gru", ["horizon", "worth_of_memory"]] = (3.0, 0.9)
    page = written(made, tmp_path)
    assert "Does it remember?" in page.text
    rows = page.tables["remembering"]
    assert [row[0] for row in rows[1:]] == ["gru"] * len(TASKS)
    assert rows[1][2:] == ["2", "3.0", "0.90"]
