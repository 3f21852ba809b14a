"""The report of a search."""

import csv
import json
import re

import pytest

from popgym.benchmark.tuning.best import CAUTION, scored
from popgym.benchmark.tuning.report import write_page
from popgym.benchmark.tuning.report.axes import axes, shown
from popgym.benchmark.tuning.report.drawing import draw
from tests.benchmark.searches import asked, begin
from tests.browsing import chromium, opening


def search(path):
    """A search in which one trial made all steps, one was ended early and one failed."""
    folder = asked(path, memory="lru", trials=4)
    trials = folder.trials()
    begin(trials[0], [0.5] * 9, done=True)
    begin(trials[1], [0.25], done=True, early=True)
    begin(trials[2], [None])
    trials[3].error_file.write_text(json.dumps({"error": "ValueError: <b>$no$</b>"}))
    return folder


def laid_out(folder):
    found = shown(scored(folder))
    return {axis.title: axis for axis in axes(found, folder.request.ranges)}


def test_a_range_has_a_logarithmic_axis_and_values_stand_side_by_side(tmp_path):
    folder = asked(
        tmp_path / "s", settings={"lr": 1e-3},
        search={"memory.stack_size": "2..32", "gae_lambda": [0.5, 0.9, 0.95]},
    )  # fmt: skip
    for trial, stack, gae in zip(folder.trials(), (2, 8, 32), (0.5, 0.95, 0.95), strict=True):
        begin(trial, [0.1 * stack] * 9, done=True)
        config = trial.path / "config.json"
        data = json.loads(config.read_text())
        data["settings"] |= {"memory_options": {"stack_size": stack}, "gae_lambda": gae}
        config.write_text(json.dumps(data))
    found = laid_out(folder)
    assert found["memory.stack_size"].heights == pytest.approx([0, 0.5, 1])
    assert found["memory.stack_size"].labels == ["2", "4", "8", "16", "32"]
    assert found["gae_lambda"].heights == [0, 1, 1]
    assert found["gae_lambda"].labels == ["0.5", "0.95"]
    assert found["score"].heights == pytest.approx([0, 0.2, 1])  # .2, .8 and 3.2
    assert "lr" not in found


def test_an_axis_on_which_all_are_the_same_has_them_in_the_middle(tmp_path):
    folder = asked(tmp_path / "s", trials=1)
    begin(folder.trials()[0], [0.5] * 9, done=True)
    for axis in laid_out(folder).values():
        assert axis.heights == [0.5] and axis.ticks == [0.5]


def test_a_default_that_is_no_number_has_a_place_of_its_own(tmp_path):
    axis = laid_out(search(tmp_path / "s"))["memory.state_size"]
    assert axis.labels[-1] == "default"  # of trial 0: half of the width
    assert max(axis.heights) == 1


def test_the_page_tells_the_best_the_caution_and_the_failure(tmp_path):
    folder = search(tmp_path / "s")
    text = write_page(folder, tmp_path / "deep" / "page.html").read_text(encoding="utf-8")
    assert "Best score: 0.500, trial 000" in text
    assert CAUTION in text
    assert "2 of 4 trials of at most 900 steps have ended, 1 of them early" in text
    assert "ValueError: &lt;b&gt;$no$&lt;/b&gt;" in text
    assert "ended early" in text
    data = json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', text)[1]
    )
    assert [trial["name"] for trial in data["parallel"]["trials"]] == ["001", "000"]
    assert not re.search(r"<(script|link|img)[^>]* (src|href)=", text)


def test_the_page_of_a_search_that_has_not_begun_has_its_trials(tmp_path):
    text = write_page(asked(tmp_path / "s"), tmp_path / "page.html").read_text(encoding="utf-8")
    assert "0 of 3 trials" in text and "waiting" in text
    assert 'id="parallel-plot"' not in text


def test_the_figure_has_a_line_for_each_trial_with_a_score(tmp_path):
    figure = draw(search(tmp_path / "s"))
    (plot,) = figure.axes
    across = [line for line in plot.lines if len(line.get_xdata()) > 2]
    assert [line.get_linestyle() for line in across] == [":", "-"]  # the best one on top
    with pytest.raises(ValueError, match="has no trial with a score: let `popgym tune` go on"):
        draw(asked(tmp_path / "none"))


def test_report_writes_the_page_the_figures_and_the_table(popgym, tmp_path):
    search(tmp_path / "s")
    status, out, err = popgym(
        "report", "s", "--png", "figures", "--svg", "figures", "--csv", "trials.csv"
    )
    assert (status, err) == (0, [])
    assert out == [
        "page: s/report.html", "figure: figures/parallel.png", "figure: figures/parallel.svg",
        "table: trials.csv",
    ]  # fmt: skip
    assert (tmp_path / "figures" / "parallel.png").read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == ["000", "001", "002", "003"]
    assert (rows[0]["score"], rows[1]["early"], rows[2]["score"]) == ("0.5", "True", "")
    assert float(rows[0]["lr"]) == 1e-3


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["s", "s"], "s is a search, which has a page of its own: name it alone"),
        (["s", "--latex", "t.tex"], "--latex is for benchmarks; of a search there are --png"),
    ],
)
def test_what_a_search_has_no_report_of_is_refused(popgym, tmp_path, argv, message):
    asked(tmp_path / "s")
    status, out, err = popgym("report", *argv)
    assert (status, out, len(err)) == (2, [], 1)
    assert message in err[0]
    assert not (tmp_path / "s" / "report.html").exists()


@pytest.mark.slow
def test_a_browser_draws_the_trials_and_shows_one_under_the_pointer(tmp_path):
    path = write_page(search(tmp_path / "s"), tmp_path / "page.html")
    with chromium() as browser, opening(browser) as show:
        page = show(path, wait_for="#parallel-plot .scatterlayer .trace")
        assert page.locator("#parallel-plot .scatterlayer .trace").count() == 2
        x, y = page.evaluate(
            """() => {
              const plot = byId("parallel-plot"), { xaxis, yaxis } = plot._fullLayout;
              const { x, y } = plot.getBoundingClientRect();
              const height = plot.data[1].y[3];
              return [x + xaxis._offset + xaxis.d2p(3), y + yaxis._offset + yaxis.d2p(height)];
            }"""
        )
        page.mouse.move(x, y)
        page.wait_for_function("() => byId('parallel-plot').data[0].opacity === 0.15")
        assert page.locator("#parallel-plot .hoverlayer").text_content() == "trial 000"
        page.mouse.move(1, 1)
        page.wait_for_function("() => byId('parallel-plot').data[0].opacity === 1")
